import type { Client } from 'pg';
import { explained } from './ask';
import type { PlanNode } from './plan';

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
 * Measures it on a table's newest rows: they are taken out and inserted again, with the index and without it, in
 * transactions that are rolled back. Leaves dead rows behind: to be run when everything has been read.
 */
export async function writeCost(client: Client, index: string, table: string): Promise<WriteCost> {
  const { rows } = await client.query<{ columns: string }>(
    `SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns
       FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`,
    [table],
  );
  const columns = rows[0]?.columns ?? '';
  const withIt: Insertion[] = [];
  const without: Insertion[] = [];
  for (let run = 0; run < RUNS; run++) {
    withIt.push(await insertAgain(client, table, columns));
    without.push(await insertAgain(client, table, columns, index));
  }
  const least = (insertions: readonly Insertion[], of: (one: Insertion) => number): number =>
    Math.min(...insertions.map(of));
  const perRow = (of: (one: Insertion) => number): number => (least(withIt, of) - least(without, of)) / ROWS;
  return {
    walBytes: Math.max(0, Math.round(perRow(({ walBytes }) => walBytes))),
    buffers: Math.max(0, Math.round(perRow(({ buffers }) => buffers) * 10) / 10),
    microseconds: Math.max(0, Math.round(perRow(({ milliseconds }) => milliseconds * 1000) * 10) / 10),
  };
}

interface Insertion {
  readonly walBytes: number;
  readonly buffers: number;
  readonly milliseconds: number;
}

async function insertAgain(
  client: Client,
  table: string,
  columns: string,
  dropped?: string,
): Promise<Insertion> {
  await client.query('BEGIN');
  try {
    // Rows may go although others refer to them: they are back in no time.
    await client.query('SET LOCAL session_replication_role = replica');
    if (dropped !== undefined) await client.query(`DROP INDEX ${dropped}`);
    await client.query(
      `CREATE TEMP TABLE taken_out ON COMMIT DROP AS
         SELECT tableoid AS from_table, ctid AS place, ${columns} FROM ${table} ORDER BY created_at DESC LIMIT ${ROWS}`,
    );
    await client.query(
      `DELETE FROM ${table} t USING taken_out o WHERE t.tableoid = o.from_table AND t.ctid = o.place`,
    );
    const plan = await explained(
      client,
      `EXPLAIN (ANALYZE, BUFFERS, WAL, TIMING OFF, FORMAT JSON) INSERT INTO ${table} (${columns}) SELECT ${columns} FROM taken_out`,
    );
    return insertion(plan.Plan, plan['Execution Time']);
  } finally {
    await client.query('ROLLBACK');
  }
}

const insertion = (node: PlanNode, milliseconds: number): Insertion => ({
  walBytes: node['WAL Bytes'] ?? 0,
  buffers: node['Shared Hit Blocks'] + node['Shared Read Blocks'],
  milliseconds,
});
