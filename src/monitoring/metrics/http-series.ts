import type { Series, SeriesHistogram } from './series-histogram';

/** How many series there may be: with their exact status, and with those that are told by its class alone. */
interface Room {
  readonly exact: number;
  readonly byClass: number;
}

/**
 * `/metrics` stays below 8 000 lines whatever is asked; a series takes fourteen. What comes first keeps its exact status;
 * then there is one by class (`4xx`) for a route, and in the end one by class for all routes that are left. What clients
 * did wrong has a room of its own: whoever tries all routes with bad requests does not take that of answers and failures.
 */
const REFUSALS: Room = { exact: 70, byClass: 95 };
const OTHERS: Room = { exact: 135, byClass: 175 };
/** Of everything else that a client may make up, there is one. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Finds the series of a request: looking one up by its labels takes longer, and would let them be too many. */
export class HttpSeries {
  private readonly found = new Map<string, Map<string, Series>>();
  private readonly opened = { refusals: new Map<string, Series>(), others: new Map<string, Series>() };

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
    const [opened, room] =
      statusClass === '4xx' ? [this.opened.refusals, REFUSALS] : [this.opened.others, OTHERS];
    const open = (limit: number, ofRoute: string, ofStatus: string): Series | undefined => {
      const key = [method, ofRoute, ofStatus].join(' ');
      let series = opened.get(key);
      if (series === undefined && opened.size < limit)
        opened.set(key, (series = this.duration.series(method, ofRoute, ofStatus)));
      return series;
    };
    return (
      open(room.exact, route, String(status)) ??
      open(room.byClass, route, statusClass) ??
      (open(Infinity, 'other', statusClass) as Series)
    );
  }
}
