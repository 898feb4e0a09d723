import type { Pool } from 'pg';
import type { Statement } from '../../src/database/statement';
import type { FilledTable, FillSizes } from '../filled-database/tables';

/** Runs a statement on the connection that is measured, prepared under its name as the application does it. */
export type Ask = <Row extends object>(statement: Statement) => Promise<Row[]>;

/** A hot query with values of its own: sends what one request sends. */
export interface Question<Row extends object = object> {
  ask(ask: Ask): Promise<Row[]>;
  /** The same without indexes, where it is not asked the same way there. */
  askUnaided?(ask: Ask): Promise<Row[]>;
}

/** One of the query types that are measured: its statements are those of the domain that owns it. */
export interface HotQuery<Row extends object = object> {
  /** How the command line calls it. */
  readonly name: string;
  readonly title: string;
  /** Whose rows are counted, and whose indexes are dropped for "before". */
  readonly table: FilledTable;
  readonly kind: 'look-up' | 'list';
  /** Rows of an answer; questions with shorter ones are not asked, since those would be cheaper. */
  readonly answerRows: number;
  /** What to fill so that the table has so many rows. */
  sizes(rows: number): FillSizes;
  /** Draws questions with the values of rows of the table, the same ones each time. */
  draw(pool: Pool, rows: number, count: number): Promise<readonly Question<Row>[]>;
  /** A row as the cache keeps it: plain JSON. */
  view(row: Row): unknown;
}

/**
 * What reads a random part of a table, always the same one.
 * @param rows that the table has, or those of it that will do
 * @param count how many are wanted; a few more are read, because the part is random
 */
export function sampled(table: FilledTable, rows: number, count: number): string {
  const percent = Math.min(100, (120 * count) / rows);
  return `${table} TABLESAMPLE BERNOULLI (${percent.toFixed(6)}) REPEATABLE (1)`;
}

/** How many users or meters share so many rows: few enough for each to have pages full of them. */
export const sharing = (rows: number, each: number): number => Math.max(FEW, Math.ceil(rows / each));

const FEW = 50;
