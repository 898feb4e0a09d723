import { InvalidInput } from './domain-error';

/** One page of a list, and where the next one begins; null on the last page. */
export interface Page<Item> {
  readonly items: Item[];
  readonly nextCursor: string | null;
}

/** What a keyset list is asked for: at most `limit` items after the position of `cursor`. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

type Position = readonly string[];

/** Tells whether a value can be one of a sort key: a pattern, or a question of its own. */
type Shape = Pick<RegExp, 'test'>;

/**
 * Cuts a page out of `limit + 1` rows: the extra row only tells that there is a next page.
 * @param positionOf the values of the sort key of a row, as strings, in the order of the sort
 */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  positionOf: (row: Row) => Position,
  toItem: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const nextCursor = rows.length > limit && last !== undefined ? encodeCursor(positionOf(last)) : null;
  return { items: shown.map(toItem), nextCursor };
}

/** The cursor of a position: what {@link decodeCursor} reads. */
export function encodeCursor(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/**
 * Reads a cursor made by {@link pageOf}. `shapes` holds one pattern per value of the sort key: a cursor
 * that somebody made up never reaches the database.
 */
export function decodeCursor(cursor: string, shapes: readonly Shape[]): Position {
  const refuse = (): never => {
    throw new InvalidInput([
      { field: 'cursor', detail: 'is not a cursor of this list; leave it out to start anew' },
    ]);
  };
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    const fits =
      Array.isArray(position) &&
      position.length === shapes.length &&
      position.every((value, index) => typeof value === 'string' && shapes[index]?.test(value));
    return fits ? (position as string[]) : refuse();
  } catch (error) {
    if (error instanceof InvalidInput) throw error;
    return refuse();
  }
}

/** Shapes of cursor values. */
export const UUID_SHAPE = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const INTEGER_SHAPE = /^\d{1,18}$/;
export const INSTANT_SHAPE: Shape = {
  test: (value) => !Number.isNaN(Date.parse(value)) && new Date(value).toISOString() === value,
};
