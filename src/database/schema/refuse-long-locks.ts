import type { QueryRunner } from 'typeorm';
import { DatabaseNotUsable } from '../explained-error';
import type { KnownMigration } from './known-migrations';
import { longLocks, type LongLock } from './lock-check';

/** Up to so many rows are read or rewritten within a moment. */
export const SMALL_TABLE_ROWS = 10_000;
const SHOWN = 120;

interface LiveTable {
  readonly name: string;
  readonly sql: string;
  readonly partitioned: boolean;
  readonly never_null: readonly string[];
}

const LIVE_TABLES = `
  SELECT c.relname AS name, quote_ident(c.relname) AS sql, c.relkind = 'p' AS partitioned,
         ARRAY(SELECT a.attname::text FROM pg_attribute a JOIN pg_constraint k ON k.conrelid = a.attrelid
                WHERE a.attrelid = c.oid AND k.contype = 'c' AND k.convalidated AND k.conkey = ARRAY[a.attnum]
                  AND pg_get_constraintdef(k.oid) = format('CHECK ((%I IS NOT NULL))', a.attname)) AS never_null
    FROM pg_class c
   WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind IN ('r', 'p')
     AND (c.relname = ANY ($1) OR EXISTS (
           SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
            WHERE i.indrelid = c.oid AND x.relname = ANY ($1)))`;

/**
 * Refuses migrations that would keep others out of a large table for long, before any of them is run. A migration
 * passes when it says why that is acceptable: `readonly longLock = '…'`.
 * @param smallTableRows tables with more rows than that are large; -1 makes every table large
 */
export async function refuseLongLocks(
  runner: QueryRunner,
  migrations: readonly KnownMigration[],
  smallTableRows = SMALL_TABLE_ROWS,
): Promise<void> {
  const large = largeTables(runner, smallTableRows);
  for (const migration of migrations) {
    if ((migration.longLock ?? '') !== '') continue;
    for (const lock of longLocks(migration.statements, migration.transactional)) {
      const table = await large(lock.table);
      if (table !== undefined && matters(lock, table)) throw refusal(migration, lock, smallTableRows);
    }
  }
}

const matters = (lock: LongLock, table: LiveTable): boolean =>
  !(lock.unlessPartitioned === true && table.partitioned) &&
  !(lock.unlessNeverNull !== undefined && table.never_null.includes(lock.unlessNeverNull));

/** Counts, but never further than it has to: statistics may be older than the rows. */
function largeTables(runner: QueryRunner, small: number): (name: string) => Promise<LiveTable | undefined> {
  const known = new Map<string, Promise<LiveTable | undefined>>();
  const look = async (name: string): Promise<LiveTable | undefined> => {
    const [table] = (await runner.query(LIVE_TABLES, [[name]])) as LiveTable[];
    if (table === undefined || small < 0) return table;
    const rows = (await runner.query(`SELECT FROM ${table.sql} OFFSET $1 LIMIT 1`, [small])) as unknown[];
    return rows.length > 0 ? table : undefined;
  };
  return (name) => {
    const answer = known.get(name) ?? look(name);
    known.set(name, answer);
    return answer;
  };
}

function refusal({ title }: KnownMigration, lock: LongLock, rows: number): DatabaseNotUsable {
  const { statement, table, why, instead } = lock;
  const shown = statement.length > SHOWN ? `${statement.slice(0, SHOWN)}…` : statement;
  return new DatabaseNotUsable(
    `Migration ${title} would keep others out of ${table}${rows < 0 ? '' : `, which has more than ${rows} rows`}, since "${shown}" ${why}: use ${instead}, or say on the class why it is acceptable (readonly longLock = '…'); nothing was changed`,
  );
}
