import type { Client } from 'pg';
import { explained } from './ask';

/** What keeping one index up to date costs each row that is inserted. */
export interface WriteCost {
  /** Bytes of write-ahead log. */
  readonly walBytes: number;
  /** Pages touched. */
  readonly buffers: number;
  readonly microseconds: number;
}

const ROWS = 1_000;
const RUNS = 3;

/**
 * Measures it on a table's newest rows: they are taken out and inserted again, with all indexes and without one of them,
 * in transactions that are rolled back. Leaves dead rows behind: to be run when everything has been read.
 * @returns by the name of the index
 */
export async function writeCosts(
  client: Client,
  table: string,
  indexes: readonly string[],
  onMeasured: (index: string) => void,
): Promise<Map<string, WriteCost>> {
  const columns = await columnsOf(client, table);
  await client.query(
    `CREATE TEMP TABLE newest_rows AS
       SELECT tableoid AS from_table, ctid AS place, ${columns} FROM ${table} ORDER BY created_at DESC LIMIT ${ROWS}`,
  );
  await client.query('ANALYZE newest_rows');
  const all = await leastOfRuns(client, table, columns);
  const costs = new Map<string, WriteCost>();
  for (const index of indexes) {
    const without = await leastOfRuns(client, table, columns, index);
    const perRow = (of: keyof WriteCost): number => Math.max(0, all[of] - without[of]) / ROWS;
    costs.set(index, {
      walBytes: Math.round(perRow('walBytes')),
      buffers: rounded(perRow('buffers')),
      microseconds: rounded(perRow('microseconds')),
    });
    onMeasured(index);
  }
  await client.query('DROP TABLE newest_rows');
  return costs;
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

async function columnsOf(client: Client, table: string): Promise<string> {
  const { rows } = await client.query<{ columns: string }>(
    `SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns
       FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`,
    [table],
  );
  return rows[0]?.columns ?? '';
}

/** What a run takes at least: what it takes more is somebody else's doing. */
async function leastOfRuns(
  client: Client,
  table: string,
  columns: string,
  dropped?: string,
): Promise<WriteCost> {
  const runs: WriteCost[] = [];
  for (let run = 0; run < RUNS; run++) runs.push(await insertAgain(client, table, columns, dropped));
  const least = (of: keyof WriteCost): number => Math.min(...runs.map((run) => run[of]));
  return { walBytes: least('walBytes'), buffers: least('buffers'), microseconds: least('microseconds') };
}

/** Of all rows together. */
async function insertAgain(
  client: Client,
  table: string,
  columns: string,
  dropped?: string,
): Promise<WriteCost> {
  await client.query('BEGIN');
  try {
    // Rows may go although others refer to them: they are back in no time.
    await client.query('SET LOCAL session_replication_role = replica');
    if (dropped !== undefined) await client.query(`DROP INDEX ${dropped}`);
    await client.query(
      `DELETE FROM ${table} t USING newest_rows o WHERE t.tableoid = o.from_table AND t.ctid = o.place`,
    );
    const { Plan: plan, 'Execution Time': milliseconds } = await explained(
      client,
      `EXPLAIN (ANALYZE, BUFFERS, WAL, TIMING OFF, FORMAT JSON)
         INSERT INTO ${table} (${columns}) SELECT ${columns} FROM newest_rows`,
    );
    return {
      walBytes: plan['WAL Bytes'] ?? 0,
      buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
      microseconds: milliseconds * 1000,
    };
  } finally {
    await client.query('ROLLBACK');
  }
}
