import { sqlState } from '../../database/query-events';
import { rowsOf, type StatementRunner } from '../../database/indexes/statement-runner';
import { SqlState } from '../../database/sql-states';

/** Tables that are partitioned by day (UTC) of `taken_at`. */
const DAILY_TABLES = [
  'server_snapshots',
  'statement_snapshots',
  'table_snapshots',
  'index_snapshots',
] as const;
/** Today's, and those of two days to come: a day of outage just before midnight delays nothing. */
const DAYS_AHEAD = 2;

interface DayPartition {
  readonly parent: string;
  readonly partition: string;
  readonly from: string;
  readonly to: string;
}

/** By the names, which end in the day. */
const MISSING = `
  SELECT p.parent, p.parent || to_char(d.day, '"_"YYYY"_"MM"_"DD') AS partition,
         to_char(d.day, 'YYYY-MM-DD') || ' 00:00:00+00' AS from,
         to_char(d.day + interval '1 day', 'YYYY-MM-DD') || ' 00:00:00+00' AS to
    FROM unnest($1::text[]) AS p(parent)
   CROSS JOIN generate_series(date_trunc('day', now() AT TIME ZONE 'UTC'),
                              date_trunc('day', now() AT TIME ZONE 'UTC') + make_interval(days => $2),
                              interval '1 day') AS d(day)
   WHERE to_regclass(quote_ident(p.parent || to_char(d.day, '"_"YYYY"_"MM"_"DD'))) IS NULL`;
const OVER = `
  SELECT quote_ident(c.relname) AS partition
    FROM pg_inherits h
    JOIN pg_class c ON c.oid = h.inhrelid
    JOIN pg_class p ON p.oid = h.inhparent
   WHERE p.relname = ANY ($1) AND p.relnamespace = current_schema()::regnamespace
     AND c.relname ~ '_\\d{4}_\\d\\d_\\d\\d$'
     AND to_date(right(c.relname, 10), 'YYYY_MM_DD')
           < (now() AT TIME ZONE 'UTC')::date - $2::integer`;

/** Makes the partitions of today and the coming days. */
export async function makeDays(owner: StatementRunner): Promise<void> {
  const missing = await rowsOf<DayPartition>(owner, MISSING, [DAILY_TABLES, DAYS_AHEAD]);
  for (const partition of missing) await make(owner, partition);
}

/**
 * Drops the partitions that are older than `keptDays` whole days. One that somebody reads just now goes a minute later.
 * @returns how many
 */
export async function dropDays(owner: StatementRunner, keptDays: number): Promise<number> {
  const over = await rowsOf<{ partition: string }>(owner, OVER, [DAILY_TABLES, keptDays]);
  let dropped = 0;
  for (const { partition } of over) {
    try {
      await owner.query(`DROP TABLE IF EXISTS ${partition}`);
      dropped += 1;
    } catch (error) {
      if (sqlState(error) !== SqlState.LOCK_NOT_AVAILABLE) throw error;
    }
  }
  return dropped;
}

/** ATTACH lets those who read the table go on, which PARTITION OF does not. All names and bounds are of our own making. */
async function make(owner: StatementRunner, { parent, partition, from, to }: DayPartition): Promise<void> {
  await owner.query('BEGIN');
  try {
    await owner.query(`CREATE TABLE ${partition} (LIKE ${parent} INCLUDING ALL)`);
    await owner.query(
      `ALTER TABLE ${parent} ATTACH PARTITION ${partition} FOR VALUES FROM ('${from}') TO ('${to}')`,
    );
    await owner.query('COMMIT');
  } catch (error) {
    await owner.query('ROLLBACK');
    throw error;
  }
}
