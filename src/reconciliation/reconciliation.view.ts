import { formatAmount } from './break';
import type { BreakStatus } from './reconciliation-break.entity';
import type { ReconciliationStatus } from './reconciliation.entity';

/** An asset that the ledger has in circulation, or had. */
export interface CheckedAsset {
  readonly asset: string;
  readonly mintedKwh: string;
  readonly issuedKwh: string;
  readonly heldKwh: string;
}

/** How many of what were looked at, and the assets one by one. */
type Checked = Readonly<Record<string, number | readonly CheckedAsset[]>>;

/** What a run notes of itself in `metadata`. */
export interface RunMetadata {
  /** The unit of the run's amount. */
  readonly unit: string;
  readonly checked?: Checked;
  readonly breaksByType?: Readonly<Record<string, number>>;
  /** Why it failed, for people. */
  readonly failure?: string;
}

export interface ReconciliationRow {
  id: string;
  project_id: string | null;
  reference: string;
  amount: bigint;
  status: ReconciliationStatus;
  progress: number;
  metadata: RunMetadata;
  started_at: Date | null;
  finished_at: Date | null;
  created_at: Date;
}

export interface ReconciliationView {
  readonly id: string;
  readonly projectId: string | null;
  readonly reference: string;
  readonly status: ReconciliationStatus;
  readonly progress: number;
  /** How much was compared, in `unit`. */
  readonly amount: string;
  readonly unit: string;
  readonly checked: Checked;
  readonly breaks: number;
  readonly breaksByType: Readonly<Record<string, number>>;
  readonly failure: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export interface BreakRow {
  id: string;
  reconciliation_id: string;
  type: string;
  entity: string;
  entity_id: string;
  unit: string;
  expected: bigint;
  actual: bigint;
  difference: bigint;
  detail: string;
  status: BreakStatus;
  created_at: Date;
}

/** A break; amounts are decimal strings of `unit`. */
export interface BreakView {
  readonly id: string;
  readonly reconciliationId: string;
  readonly type: string;
  readonly entity: string;
  readonly entityId: string;
  readonly unit: string;
  readonly expected: string;
  readonly actual: string;
  readonly difference: string;
  readonly detail: string;
  readonly status: BreakStatus;
  readonly createdAt: string;
}

export function reconciliationView(row: ReconciliationRow): ReconciliationView {
  const { unit, checked = {}, breaksByType = {}, failure = null } = row.metadata;
  return {
    id: row.id,
    projectId: row.project_id,
    reference: row.reference,
    status: row.status,
    progress: row.progress,
    amount: formatAmount(row.amount, unit),
    unit,
    checked,
    breaks: Object.values(breaksByType).reduce((total, count) => total + count, 0),
    breaksByType,
    failure,
    createdAt: row.created_at.toISOString(),
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

export function breakView(row: BreakRow): BreakView {
  return {
    id: row.id,
    reconciliationId: row.reconciliation_id,
    type: row.type,
    entity: row.entity,
    entityId: row.entity_id,
    unit: row.unit,
    expected: formatAmount(row.expected, row.unit),
    actual: formatAmount(row.actual, row.unit),
    difference: formatAmount(row.difference, row.unit),
    detail: row.detail,
    status: row.status,
    createdAt: row.created_at.toISOString(),
  };
}
