import { madeAt } from '../common/id';

/** A span of time, `[from, to)`. */
export interface Span {
  readonly from: Date;
  readonly to: Date;
}

const DAY_MS = 86_400_000;
/** A page reaches no further back where things happen every hour: 200 hours are nine days. */
const PAGE_REACH_MS = 10 * DAY_MS;
/** The clock that a key was made by and the one that its row was placed by differ by less. */
const CLOCKS_DIFFER_MS = DAY_MS;
const BEGINNING = new Date('2000-01-01T00:00:00Z');

/**
 * Reads the newest rows of a span from a table that is partitioned by month: at first from its last month alone (its
 * last two, when it ends within the first ten days of one), and only when that is not enough from all of it. A statement
 * over one month opens one partition; one over the whole span opens all of them, however few rows it finds there.
 * @param isEnough whether these rows, which start at or after `since`, are the ones that were asked for
 */
export async function recentMonthsFirst<Row>(
  span: Span,
  read: (span: Span) => Promise<Row[]>,
  isEnough: (rows: readonly Row[], since: Date) => boolean,
): Promise<Row[]> {
  const since = monthOf(new Date(span.to.getTime() - PAGE_REACH_MS));
  if (since > span.from) {
    const rows = await read({ from: since, to: span.to });
    if (isEnough(rows, since)) return rows;
  }
  return read(span);
}

/**
 * The same for a list in the order of its UUIDv7 keys, newest first, whose table is partitioned by `created_at`.
 * @param before the key that the page comes before; any later one than all there are for the first page
 * @param count how many rows are asked for
 */
export function recentKeysFirst<Row extends { readonly created_at: Date }>(
  before: string,
  count: number,
  read: (span: Span) => Promise<Row[]>,
): Promise<Row[]> {
  const newest = Math.min(madeAt(before).getTime(), Date.now());
  const span = { from: BEGINNING, to: new Date(newest + CLOCKS_DIFFER_MS) };
  return recentMonthsFirst(span, read, (rows, since) => {
    const last = rows[count - 1];
    // Near the boundary a row of the month before may have the later key.
    return last !== undefined && last.created_at.getTime() > since.getTime() + CLOCKS_DIFFER_MS;
  });
}

function monthOf(instant: Date): Date {
  return new Date(Date.UTC(instant.getUTCFullYear(), instant.getUTCMonth(), 1));
}
