import { Injectable, type OnModuleInit } from '@nestjs/common';
import { currentContext, type WorkContext } from '../../common/request-context';
import { QueryEvents, type QueryEvent } from '../../database/query-events';
import { natureOf } from './statement-effect';

/** What was seen lately: of this span of time and the one before it. */
export const WATCHED_MS = 15 * 60_000;
/** Templates of routes are a few hundred at most, and statements are written out in the code. */
const MOST_ROUTES = 500;
const MOST_TEXTS = 1_000;
/** A statement that reads or changes as many rows at once is a batch, however often a request needs it. */
const ROWS_OF_A_BATCH = 50;

/** The most that a request of some route did. */
export interface RouteRecord {
  readonly route: string;
  readonly figure: number;
  /** By which statement; it goes to people through `statementForm`. */
  readonly text: string;
}

/** What statements of this process did lately. */
export interface WatchedStatements {
  /** Whether it is known which request a statement was for. */
  readonly requestsSeen: boolean;
  readonly prepared: number;
  readonly unprepared: number;
  /** The statement that ran most often without a name. */
  readonly mostUnprepared: { readonly text: string; readonly runs: number } | undefined;
  /** Of each route the most rows that one read gave a request, the most first. */
  readonly rows: readonly RouteRecord[];
  /** Of each route the most runs of one statement in one request, the most first. */
  readonly runs: readonly RouteRecord[];
}

interface Most {
  figure: number;
  text: string;
}

interface Span {
  prepared: number;
  unprepared: number;
  requestsSeen: boolean;
  readonly unpreparedTexts: Map<string, number>;
  readonly rows: Map<string, Most>;
  readonly runs: Map<string, Most>;
}

const span = (): Span => ({
  prepared: 0,
  unprepared: 0,
  requestsSeen: false,
  unpreparedTexts: new Map(),
  rows: new Map(),
  runs: new Map(),
});

/**
 * Watches which statements run by name, how many rows one gives a request, and how often a request runs the same one. It
 * hears of statements only, so a request that the cache answers costs nothing; what it counts for a request goes with it.
 */
@Injectable()
export class StatementWatch implements OnModuleInit {
  private current = span();
  private previous = span();
  private beganAt = performance.now();
  /** A request keeps one context for as long as it lasts. */
  private readonly runsOf = new WeakMap<WorkContext, Map<string, number>>();

  constructor(private readonly events: QueryEvents) {}

  onModuleInit(): void {
    this.events.subscribe((event) => this.observe(event));
  }

  lately(): WatchedStatements {
    this.turn(performance.now());
    const { current, previous } = this;
    const [most] = summed(current.unpreparedTexts, previous.unpreparedTexts);
    return {
      requestsSeen: current.requestsSeen || previous.requestsSeen,
      prepared: current.prepared + previous.prepared,
      unprepared: current.unprepared + previous.unprepared,
      mostUnprepared: most && { text: most[0], runs: most[1] },
      rows: recordsOf(current.rows, previous.rows),
      runs: recordsOf(current.runs, previous.runs),
    };
  }

  private observe({ text, rows = 0, prepared }: QueryEvent): void {
    const { effect, isOfMany } = natureOf(text);
    if (effect === 'none') return;
    this.turn(performance.now());
    const { current } = this;
    if (prepared) current.prepared++;
    else this.countUnprepared(text);
    const context = currentContext();
    if (context?.requestId === undefined) return; // jobs work through as much as there is
    current.requestsSeen = true;
    if (effect === 'read') noteMost(current.rows, context.work, rows, text);
    // An upload of any length is worked through in batches.
    if (isOfMany || rows >= ROWS_OF_A_BATCH) return;
    noteMost(current.runs, context.work, this.countRun(context, text), text);
  }

  private countUnprepared(text: string): void {
    this.current.unprepared++;
    const { unpreparedTexts } = this.current;
    const runs = unpreparedTexts.get(text);
    if (runs !== undefined || unpreparedTexts.size < MOST_TEXTS) unpreparedTexts.set(text, (runs ?? 0) + 1);
  }

  private countRun(context: WorkContext, text: string): number {
    let counts = this.runsOf.get(context);
    if (counts === undefined) this.runsOf.set(context, (counts = new Map<string, number>()));
    const runs = (counts.get(text) ?? 0) + 1;
    if (runs > 1 || counts.size < MOST_TEXTS) counts.set(text, runs);
    return runs;
  }

  private turn(now: number): void {
    const passed = now - this.beganAt;
    if (passed < WATCHED_MS) return;
    this.previous = passed < 2 * WATCHED_MS ? this.current : span();
    this.current = span();
    this.beganAt = now;
  }
}

function noteMost(records: Map<string, Most>, route: string, figure: number, text: string): void {
  const most = records.get(route);
  if (most === undefined) {
    if (records.size < MOST_ROUTES) records.set(route, { figure, text });
    return;
  }
  if (figure <= most.figure) return;
  most.figure = figure;
  most.text = text;
}

function recordsOf(...spans: readonly ReadonlyMap<string, Most>[]): RouteRecord[] {
  const worst = new Map<string, RouteRecord>();
  for (const records of spans)
    for (const [route, { figure, text }] of records)
      if (figure > (worst.get(route)?.figure ?? -1)) worst.set(route, { route, figure, text });
  return [...worst.values()].sort((a, b) => b.figure - a.figure);
}

function summed(...spans: readonly ReadonlyMap<string, number>[]): [text: string, runs: number][] {
  const sums = new Map<string, number>();
  for (const counts of spans) for (const [text, runs] of counts) sums.set(text, (sums.get(text) ?? 0) + runs);
  return [...sums].sort(([, a], [, b]) => b - a);
}
