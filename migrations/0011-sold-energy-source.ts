import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Rows that are locked together, for a moment. */
const BATCH = 5_000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/**
 * A sale keeps what was sold, as it keeps the price: a page of somebody's sales looked up the offer of each to learn it,
 * which took as long as reading the page itself. Goes on from where it was when it is started again.
 */
export class SoldEnergySource1795305600011 implements MigrationInterface {
  readonly transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`SET lock_timeout = '5s'`);
    await queryRunner.query(
      'ALTER TABLE energy_transactions ADD COLUMN IF NOT EXISTS energy_source energy_source',
    );
    await fillIn(queryRunner);
    await forbidNull(queryRunner);
    await queryRunner.query('RESET lock_timeout');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`SET lock_timeout = '5s'`);
    await queryRunner.query('ALTER TABLE energy_transactions DROP COLUMN IF EXISTS energy_source');
    await queryRunner.query('RESET lock_timeout');
  }
}

async function fillIn(queryRunner: QueryRunner): Promise<void> {
  let last: string | undefined = BEFORE_ALL;
  while (last !== undefined) {
    const [batch] = (await queryRunner.query(
      `WITH batch AS (
         SELECT id, offer_id FROM energy_transactions WHERE id > $1 ORDER BY id LIMIT ${BATCH}
       ), filled AS (
         UPDATE energy_transactions t SET energy_source = o.energy_source
           FROM batch b JOIN energy_offers o ON o.id = b.offer_id
          WHERE t.id = b.id AND t.energy_source IS NULL
       )
       SELECT id FROM batch ORDER BY id DESC LIMIT 1`,
      [last],
    )) as { id: string }[];
    last = batch?.id;
  }
}

/** By a check that is proven while others write: SET NOT NULL alone reads the whole table and keeps them out meanwhile. */
async function forbidNull(queryRunner: QueryRunner): Promise<void> {
  const check = 'energy_transactions_energy_source_known';
  for (const action of [
    `DROP CONSTRAINT IF EXISTS ${check}`,
    `ADD CONSTRAINT ${check} CHECK (energy_source IS NOT NULL) NOT VALID`,
    `VALIDATE CONSTRAINT ${check}`,
    'ALTER COLUMN energy_source SET NOT NULL',
    `DROP CONSTRAINT ${check}`,
  ]) {
    await queryRunner.query(`ALTER TABLE energy_transactions ${action}`);
  }
}
