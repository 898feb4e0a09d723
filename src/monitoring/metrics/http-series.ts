import type { Series, SeriesHistogram } from './series-histogram';

/**
 * How many series of a histogram there may be, each of some fourteen lines: `/metrics` stays below 8 000 lines in all
 * whatever is asked. The ones that come first keep their exact status; then there is one by class (`4xx`) for a route,
 * and in the end one by class for all routes that are left.
 */
const EXACT = 220;
const BY_CLASS = 270;
/** Of everything else that a client may make up, there is one. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Finds the series of a request: looking one up by its labels takes longer, and would let them be too many. */
export class HttpSeries {
  private readonly found = new Map<string, Map<string, Series>>();
  private readonly opened = new Map<string, Series>();

  constructor(private readonly duration: SeriesHistogram) {}

  /** @param route the template, of which there are few; never the URL */
  of(method: string, route: string, status: number): Series {
    let ofRoute = this.found.get(route);
    if (ofRoute === undefined) this.found.set(route, (ofRoute = new Map<string, Series>()));
    const key = `${method}${status}`;
    let series = ofRoute.get(key);
    if (series === undefined) ofRoute.set(key, (series = this.choose(method, route, status)));
    return series;
  }

  private choose(sent: string, route: string, status: number): Series {
    const method = METHODS.has(sent) ? sent : 'OTHER';
    const statusClass = `${Math.floor(status / 100)}xx`;
    if (this.hasRoom(EXACT, method, route, String(status))) return this.open(method, route, String(status));
    if (this.hasRoom(BY_CLASS, method, route, statusClass)) return this.open(method, route, statusClass);
    return this.open(method, 'other', statusClass);
  }

  private hasRoom(limit: number, ...labels: readonly string[]): boolean {
    return this.opened.size < limit || this.opened.has(labels.join(' '));
  }

  private open(...labels: [method: string, route: string, status: string]): Series {
    const key = labels.join(' ');
    let series = this.opened.get(key);
    if (series === undefined) this.opened.set(key, (series = this.duration.series(...labels)));
    return series;
  }
}
