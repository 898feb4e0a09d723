import { decodeCursor, INSTANT_SHAPE, UUID_SHAPE, type PageRequest } from '../common/cursor';
import type { Span } from '../database/recent-months';
import type { Statement } from '../database/statement';

/** Which readings a page is of: those of a meter, or of all meters that were a user's when they counted. */
export type ReadingsOf = { readonly meterId: string } | { readonly userId: string };

export interface ReadingSelection extends PageRequest {
  /** Start of the first interval asked for. */
  readonly from?: Date | undefined;
  /** No interval that starts at or after it. */
  readonly to?: Date | undefined;
  readonly minted?: boolean | undefined;
}

const COLUMNS = `meter_id, interval_start, interval_minutes, generated_wh, consumed_wh, surplus_wh, quality,
  user_id, wallet_address, minted, mint_id, mint_tx_signature, certified`;

const OF_METER = 'meter_id = $1 AND interval_start >= $2 AND interval_start < $3';
const OF_USER =
  'user_id = $1 AND interval_start >= $2 AND interval_start < $3 AND (interval_start, meter_id) < ($5, $6)';

const pageText = (condition: string, order: string): string =>
  `SELECT ${COLUMNS} FROM meter_readings WHERE ${condition} ORDER BY ${order} LIMIT $4`;

/** A text for each kind of page: each has its own index, and names no filter that is not given. */
const TEXTS = {
  ofMeter: pageText(OF_METER, 'interval_start DESC'),
  ofMeterMinted: pageText(`${OF_METER} AND minted = $5`, 'interval_start DESC'),
  ofUser: pageText(OF_USER, 'interval_start DESC, meter_id DESC'),
  ofUserMinted: pageText(`${OF_USER} AND minted = $7`, 'interval_start DESC, meter_id DESC'),
};

const BEGINNING = new Date('2000-01-01T00:00:00Z');
const HOUR_MS = 3_600_000;
const MILLISECOND = 1;
const LAST_METER = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/**
 * Where the readings of a page can be at all. No interval starts in the future: so the months to come, whose partitions
 * are there already, are left out.
 */
export function spanOf({ from = BEGINNING, to, cursor }: ReadingSelection, now: Date): Span {
  const ends = [now.getTime() + HOUR_MS, positionOf(cursor).before.getTime() + MILLISECOND];
  if (to !== undefined) ends.push(to.getTime());
  return { from, to: new Date(Math.min(...ends)) };
}

/** The part of a page that lies in a span of time, and one row more where there are more; the newest first. */
export function readingsPage(of: ReadingsOf, selection: ReadingSelection, { from, to }: Span): Statement {
  const { minted, cursor, limit } = selection;
  const { before, beforeMeter } = positionOf(cursor);
  const filters = minted === undefined ? [] : [minted];
  if ('meterId' in of) {
    const text = minted === undefined ? TEXTS.ofMeter : TEXTS.ofMeterMinted;
    return { text, values: [of.meterId, from, before < to ? before : to, limit + 1, ...filters] };
  }
  const text = minted === undefined ? TEXTS.ofUser : TEXTS.ofUserMinted;
  return { text, values: [of.userId, from, to, limit + 1, before, beforeMeter, ...filters] };
}

/** Where the page before ended; a page comes before it, since the newest are first. */
function positionOf(cursor: string | undefined): { before: Date; beforeMeter: string } {
  const [before = '9999-12-31T00:00:00.000Z', beforeMeter = LAST_METER] =
    cursor === undefined ? [] : decodeCursor(cursor, [INSTANT_SHAPE, UUID_SHAPE]);
  return { before: new Date(before), beforeMeter };
}
