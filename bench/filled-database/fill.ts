import { Client } from 'pg';
import { auditFills } from './audit';
import { certificateFills } from './certificates';
import { createIndexes, declaredIndexesOf, dropIndexes } from './indexes';
import { ledgerFills } from './ledger';
import { marketplaceFills } from './marketplace';
import { meterFills } from './meters';
import { createRandomness } from './randomness';
import { reconciliationFills } from './reconciliation';
import { sessionFills } from './sessions';
import type { FillPlan, TableFill } from './table-fill';
import { FILLED_TABLES, rowsOf, type FilledTable, type FillSizes } from './tables';
import { tradingFills } from './trading';
import { userFills } from './users';

export interface FillOptions extends FillSizes {
  /** What the data takes for the present; now when left out. With it the same sizes give the same data. */
  readonly now?: Date;
  /** False leaves the tables with the indexes of their constraints alone. */
  readonly indexes?: boolean;
}

/** A step that is done: so many of so many. */
export type OnProgress = (step: string, done: number, total: number) => void;

const FILLS = new Map<FilledTable, TableFill>(
  [
    userFills,
    sessionFills,
    meterFills,
    ledgerFills,
    tradingFills,
    marketplaceFills,
    certificateFills,
    reconciliationFills,
    auditFills,
  ]
    .flat()
    .map((fill) => [fill.table, fill]),
);
const MONTHLY = ['meter_readings', 'ledger_entries', 'audit_logs'];
/** Data goes back 400 days; of what is partitioned less. */
const PAST_MONTHS = 13;
const COMING_MONTHS = 3;

/**
 * Fills a migrated database, in which nobody has anything yet, with a market as it is after a year: few heavy users and
 * many light ones, nearly everything settled, cancelled or expired, little open. Every constraint holds, foreign keys
 * included. The tables are filled before their indexes are built, and vacuumed and analysed in the end.
 * @param ownerUrl a superuser's, who may leave foreign keys unchecked while rows are loaded
 * @throws Error when the role is no superuser or there are users already
 */
export async function fill(
  ownerUrl: string,
  options: FillOptions,
  onProgress: OnProgress = () => undefined,
): Promise<void> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await refuseUnlessReady(client);
    const now = options.now ?? new Date();
    const plan: FillPlan = { rows: (table) => rowsOf(table, options), months: monthsUntil(now) };
    const tables = tablesOf(options);
    const indexes = options.indexes === false ? [] : declaredIndexesOf(tables);
    const total = tables.length * 2 + indexes.length;
    let done = 0;
    const finished = (step: string): void => onProgress(step, ++done, total);
    await prepare(client, plan, now);
    await dropIndexes(client, tables);
    for (const table of tables) {
      for (const statement of FILLS.get(table)?.statements(plan) ?? []) await client.query(statement);
      finished(`filled ${table}`);
    }
    await createIndexes(client, indexes, ({ name }) => finished(`built ${name}`));
    for (const table of tables) {
      await client.query(`VACUUM (ANALYZE) ${table}`);
      finished(`analysed ${table}`);
    }
  } finally {
    await client.end();
  }
}

/** The tables to fill, with all that their rows refer to, those first. */
function tablesOf({ only }: FillSizes): FilledTable[] {
  const wanted = new Set<FilledTable>();
  const want = (table: FilledTable): void => {
    if (wanted.has(table)) return;
    wanted.add(table);
    FILLS.get(table)?.with.forEach(want);
  };
  (only ?? FILLED_TABLES).forEach(want);
  return FILLED_TABLES.filter((table) => wanted.has(table));
}

function monthsUntil(now: Date): string[] {
  return Array.from({ length: PAST_MONTHS + 1 }, (_, place) => monthFrom(now, place - PAST_MONTHS));
}

const monthFrom = (now: Date, ahead: number): string =>
  new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1)).toISOString().slice(0, 10);

async function refuseUnlessReady(client: Client): Promise<void> {
  const { rows } = await client.query<{ superuser: boolean; taken: boolean }>(
    `SELECT rolsuper AS superuser, EXISTS (SELECT FROM users) AS taken FROM pg_roles WHERE rolname = current_user`,
  );
  if (rows[0]?.superuser !== true)
    throw new Error('The role that fills a database must be a superuser: use one of the embedded PostgreSQL');
  if (rows[0].taken) throw new Error('The database to fill has users already: use a freshly migrated one');
}

async function prepare(client: Client, plan: FillPlan, now: Date): Promise<void> {
  await client.query(`
    SET TimeZone = 'UTC';
    SET session_replication_role = replica;
    SET synchronize_seqscans = off;
    SET jit = off;
    SET work_mem = '256MB';
    SET maintenance_work_mem = '512MB'`);
  await createRandomness(client, now);
  const months = [
    ...plan.months,
    ...Array.from({ length: COMING_MONTHS }, (_, place) => monthFrom(now, place + 1)),
  ];
  for (const table of MONTHLY) {
    for (const month of months) await client.query('SELECT ensure_month_partition($1, $2)', [table, month]);
  }
}
