/** The tables that are filled, each after those that its rows refer to. */
export const FILLED_TABLES = [
  'organizations',
  'users',
  'sessions',
  'spent_refresh_tokens',
  'user_tokens',
  'wallet_challenges',
  'login_failures',
  'meters',
  'meter_readings',
  'mints',
  'reading_revisions',
  'ledger_transfers',
  'ledger_entries',
  'ledger_accounts',
  'withdrawals',
  'markets',
  'market_epochs',
  'trading_orders',
  'trades',
  'energy_offers',
  'energy_orders',
  'energy_transactions',
  'certificate_issuances',
  'erc_certificates',
  'erc_certificate_transfers',
  'projects',
  'datasets',
  'dataset_rows',
  'reconciliation_rules',
  'reconciliations',
  'reconciliation_items',
  'reconciliation_breaks',
  'audit_logs',
  'idempotency_keys',
] as const;

export type FilledTable = (typeof FILLED_TABLES)[number];

/** How many rows there are to be. */
export interface FillSizes {
  /** Of meter_readings. */
  readonly readings: number;
  /** Of each other large table; small ones have a share of it. */
  readonly others: number;
  /** Of single tables, where they are to differ. */
  readonly tables?: Partial<Record<FilledTable, number>>;
  /** Only these tables, and those that they refer to. Every table when left out. */
  readonly only?: readonly FilledTable[];
}

/** What part of `others` a table has; 1 when it stands here not. */
const SHARES: Partial<Record<FilledTable, number>> = {
  organizations: 1 / 10,
  user_tokens: 1 / 4,
  wallet_challenges: 1 / 10,
  login_failures: 1 / 10,
  meters: 1 / 5,
  reading_revisions: 1 / 4,
  withdrawals: 1 / 4,
  certificate_issuances: 1 / 2,
  projects: 1 / 400,
  datasets: 1 / 5,
  reconciliation_rules: 1 / 10,
  reconciliation_breaks: 1 / 2,
  idempotency_keys: 1 / 4,
};

/** The rows that a table is to have. Tables made of other tables' rows have as many as those give. */
export function rowsOf(table: FilledTable, sizes: FillSizes): number {
  const given = sizes.tables?.[table];
  if (given !== undefined) return given;
  if (table === 'meter_readings') return sizes.readings;
  return Math.max(MINIMUM[table] ?? 50, Math.round(sizes.others * (SHARES[table] ?? 1)));
}

/** Below this the heavy ones would be all there are, and reading the whole table as good as its indexes. */
const MINIMUM: Partial<Record<FilledTable, number>> = { projects: 500 };
