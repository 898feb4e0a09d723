import type { LiveIndex, LiveTable } from './live-indexes';

/** One step on the way to an index; what is left to do is always planned anew from what the database has. */
export interface Step {
  readonly action: 'create' | 'attach' | 'rename' | 'drop' | 'reindex';
  /**
   * `concurrently`: outside a transaction; waits as long as it takes and keeps neither readers nor writers out.
   * `briefly`: one short transaction; others queue behind its lock, so it gives up soon and tries again.
   */
  readonly manner: 'concurrently' | 'briefly';
  readonly statements: readonly string[];
  readonly index: string;
  /** The table or partition. */
  readonly table: string;
  /** Bytes of rows that have to be read; 0 where only the database's catalogue changes. */
  readonly bytes: number;
}

/** The step to an index being gone; that of a partitioned table cannot be dropped concurrently. */
export function dropping({ name, sql, table, partitioned }: LiveIndex): Step {
  const step = { action: 'drop', index: name, table, bytes: 0 } as const;
  return partitioned
    ? { ...step, manner: 'briefly', statements: [`DROP INDEX IF EXISTS ${sql}`] }
    : { ...step, manner: 'concurrently', statements: [`DROP INDEX CONCURRENTLY IF EXISTS ${sql}`] };
}

/** The step to an index being built anew, in place. */
export function reindexing({ name, sql }: LiveIndex, { name: table, bytes }: LiveTable): Step {
  const statements = [`REINDEX INDEX CONCURRENTLY ${sql}`];
  return { action: 'reindex', manner: 'concurrently', statements, index: name, table, bytes };
}
