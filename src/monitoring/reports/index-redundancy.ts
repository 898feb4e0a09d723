import type { IndexFacts } from './index-facts';

/** An index as it is compared with others of its table. */
export interface ComparedIndex extends Omit<IndexFacts, 'oid' | 'idxTupFetch' | 'lastIdxScan'> {
  readonly name: string;
  readonly unique: boolean;
  readonly constraint: string | undefined;
  /** The code asks for it. */
  readonly declared: boolean;
}

/** What an index adds to another of the same table: nothing. */
export interface Redundancy<Index extends ComparedIndex> {
  readonly redundant: Index;
  readonly coveredBy: Index;
  /** Both answer the same; or the keys of one are the leading keys of the other. */
  readonly kind: 'duplicate' | 'prefix';
}

/**
 * Indexes of one table that another one makes superfluous, each named once, with the one that is worth the most beside
 * it. One that keeps rows unique or belongs to a constraint is only superfluous beside one that keeps the same.
 */
export function redundancies<Index extends ComparedIndex>(indexes: readonly Index[]): Redundancy<Index>[] {
  return indexes.flatMap((redundant) => {
    const covering = indexes
      .filter((other) => other !== redundant && covers(other, redundant))
      .filter((other) => !covers(redundant, other) || comparison(other, redundant) < 0)
      .sort(comparison);
    const same = covering.find((other) => covers(redundant, other));
    const [coveredBy] = same === undefined ? covering : [same];
    if (coveredBy === undefined) return [];
    const equal = coveredBy.keys.length === redundant.keys.length;
    return [{ redundant, coveredBy, kind: equal ? 'duplicate' : 'prefix' }];
  });
}

/** Whether every question that `narrow` answers, and every promise that it keeps, `wide` answers and keeps as well. */
function covers(wide: ComparedIndex, narrow: ComparedIndex): boolean {
  if (wide.method !== narrow.method || wide.predicate !== narrow.predicate) return false;
  const keepsMore = narrow.unique || narrow.constraint !== undefined || narrow.reliedOn;
  if (keepsMore && !keepsTheSame(wide, narrow)) return false;
  if (wide.keys.length !== narrow.keys.length && wide.method !== 'btree') return false;
  return leads(wide, narrow) && carries(wide, narrow);
}

/** An exclusion constraint, which is not unique, keeps what its operators say. */
const keepsTheSame = (wide: ComparedIndex, narrow: ComparedIndex): boolean =>
  narrow.unique &&
  wide.unique &&
  wide.keys.length === narrow.keys.length &&
  wide.nullsNotDistinct === narrow.nullsNotDistinct &&
  wide.immediate === narrow.immediate &&
  !narrow.reliedOn &&
  (narrow.constraint === undefined || wide.constraint !== undefined);

/** The keys come first in the other, in the same directions or, since a B-tree is read both ways, all in the opposite. */
function leads(wide: ComparedIndex, narrow: ComparedIndex): boolean {
  if (!narrow.keys.every((key, place) => wide.keys[place] === key)) return false;
  const turned = narrow.directions.map((direction, place) => direction ^ (wide.directions[place] ?? 0));
  return (
    turned.every((turn) => turn === 0) || (wide.method === 'btree' && turned.every((turn) => turn === 3))
  );
}

/** Index-only scans find every column. */
function carries(wide: ComparedIndex, narrow: ComparedIndex): boolean {
  const columns = new Set([...wide.included, ...wide.keyColumns]);
  return narrow.included.every((column) => columns.has(column));
}

/** What is worth more comes first: a promise, a declaration, fewer columns, the earlier name. */
function comparison(a: ComparedIndex, b: ComparedIndex): number {
  const worth = ({ constraint, reliedOn, unique, declared }: ComparedIndex): number =>
    (constraint === undefined ? 0 : 8) + (reliedOn ? 4 : 0) + (unique ? 2 : 0) + (declared ? 1 : 0);
  const width = ({ keys, included }: ComparedIndex): number => keys.length + included.length;
  return worth(b) - worth(a) || width(a) - width(b) || (a.name < b.name ? -1 : 1);
}
