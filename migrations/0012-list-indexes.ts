import type { MigrationInterface, QueryRunner } from 'typeorm';
import { buildIndex, dropIndex, replaceIndex } from '../src/database/indexes/index-builder';

interface Added {
  readonly name: string;
  readonly table: string;
  readonly definition: string;
}

interface Covering extends Added {
  /** What followed the table's name until now. */
  readonly before: string;
}

const ADDED: readonly Added[] = [
  {
    name: 'trades_of_buyer_market',
    table: 'trades',
    definition: 'USING btree (buyer_id, market, id)',
  },
  {
    name: 'trades_of_seller_market',
    table: 'trades',
    definition: 'USING btree (seller_id, market, id)',
  },
  {
    name: 'energy_transactions_of_buyer_status',
    table: 'energy_transactions',
    definition: `USING btree (buyer_id, status, id) WHERE status <> 'completed'`,
  },
  {
    name: 'energy_transactions_of_seller_status',
    table: 'energy_transactions',
    definition: `USING btree (seller_id, status, id) WHERE status <> 'completed'`,
  },
];

const COVERING: readonly Covering[] = [
  {
    name: 'idx_erc_certificates_status',
    table: 'erc_certificates',
    before: 'USING btree (status, id)',
    definition: 'USING btree (status, id) INCLUDE (expires_at)',
  },
  {
    name: 'idx_meter_readings_user_minted',
    table: 'meter_readings',
    before: 'USING btree (user_id, minted, interval_start, meter_id)',
    definition:
      'USING btree (user_id, minted, interval_start, meter_id) INCLUDE (generated_wh, consumed_wh, surplus_wh)',
  },
];

/** A place in an index for every filter of a list, so that none walks a heavy user's history for what is rare. */
export class ListIndexes1795305600012 implements MigrationInterface {
  readonly transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const index of ADDED) await buildIndex(queryRunner, index);
    for (const { name, table, definition } of COVERING)
      await replaceIndex(queryRunner, { name, table, definition });
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const { name, table, before } of COVERING.toReversed())
      await replaceIndex(queryRunner, { name, table, definition: before });
    for (const { name, table } of ADDED.toReversed()) await dropIndex(queryRunner, { name, table });
  }
}
