import type { MigrationInterface, QueryRunner } from 'typeorm';
import { buildIndex, dropIndex, replaceIndex } from '../src/database/indexes/index-builder';

interface Change {
  readonly name: string;
  readonly table: string;
  /** What followed the table's name until now; undefined when there was no such index. */
  readonly before?: string | undefined;
  /** What follows it from now on; undefined when the index goes. */
  readonly after?: string | undefined;
}

const CHANGES: readonly Change[] = [
  {
    name: 'idx_users_role',
    table: 'users',
    before: 'USING btree (role, id) WHERE is_active',
    after: 'USING btree (role, id) INCLUDE (email, username) WHERE is_active',
  },
  {
    name: 'idx_energy_offers_source',
    table: 'energy_offers',
    before: `USING btree (energy_source, id) WHERE status = 'active'`,
    after: `USING btree (energy_source, id) INCLUDE (available_until) WHERE status = 'active'`,
  },
  {
    name: 'idx_reconciliations_metadata',
    table: 'reconciliations',
    before: 'USING gin (metadata)',
    after: 'USING gin (metadata jsonb_path_ops)',
  },
  {
    name: 'idx_audit_logs_created',
    table: 'audit_logs',
    before: 'USING brin (created_at)',
    after:
      'USING brin (created_at timestamptz_minmax_multi_ops(values_per_range=16)) WITH (pages_per_range = 8)',
  },
  {
    name: 'idx_meter_readings_timestamp',
    table: 'meter_readings',
    before: 'USING brin (interval_start) WITH (pages_per_range = 8)',
    after:
      'USING brin (interval_start timestamptz_minmax_multi_ops(values_per_range=16)) WITH (pages_per_range = 8)',
  },
  {
    name: 'trading_orders_of_owner',
    table: 'trading_orders',
    after: 'USING btree (user_id, market, side, status, id)',
  },
  // The unique constraint on owner and reference finds somebody's few withdrawals as well.
  { name: 'withdrawals_of_user', table: 'withdrawals', before: 'USING btree (user_id, id)' },
];

/** Indexes in the forms that were proven to serve their questions best: `npm run indexes:prove`. */
export class PerformanceIndexes1795305600010 implements MigrationInterface {
  readonly transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const change of CHANGES) await carryOut(queryRunner, change);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const { before, after, ...index } of CHANGES.toReversed())
      await carryOut(queryRunner, { ...index, before: after, after: before });
  }
}

/** Without keeping anybody out; done again where it was interrupted. */
async function carryOut(queryRunner: QueryRunner, { name, table, before, after }: Change): Promise<void> {
  if (after === undefined) return dropIndex(queryRunner, { name, table });
  const index = { name, table, definition: after };
  return before === undefined ? buildIndex(queryRunner, index) : replaceIndex(queryRunner, index);
}
