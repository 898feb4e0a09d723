import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Double-entry books: accounts, transfers, entries by month, withdrawals that wait for an admin. */
export class Ledger1795305600003 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TYPE ledger_bucket AS ENUM ('available', 'reserved')`);
    await queryRunner.query(`CREATE TYPE withdrawal_status AS ENUM ('pending', 'confirmed', 'refused')`);
    await queryRunner.query(`
      CREATE TABLE ledger_accounts (
        id uuid NOT NULL,
        user_id uuid,
        platform text,
        asset text NOT NULL,
        bucket ledger_bucket NOT NULL,
        balance bigint NOT NULL DEFAULT 0,
        created_at timestamptz(3) NOT NULL DEFAULT now(),
        updated_at timestamptz(3) NOT NULL DEFAULT now(),
        CONSTRAINT ledger_accounts_pkey PRIMARY KEY (id),
        CONSTRAINT ledger_accounts_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id),
        CONSTRAINT ledger_accounts_one_owner CHECK ((user_id IS NULL) <> (platform IS NULL)),
        CONSTRAINT ledger_accounts_user_never_negative CHECK (user_id IS NULL OR balance >= 0)
      )`);
    await queryRunner.query(
      'CREATE UNIQUE INDEX ledger_accounts_of_user ON ledger_accounts (user_id, asset, bucket) WHERE user_id IS NOT NULL',
    );
    await queryRunner.query(
      'CREATE UNIQUE INDEX ledger_accounts_of_platform ON ledger_accounts (platform, asset, bucket) WHERE platform IS NOT NULL',
    );
    await queryRunner.query(`
      CREATE TABLE ledger_transfers (
        id uuid NOT NULL,
        kind text NOT NULL,
        reference text NOT NULL,
        created_at timestamptz(3) NOT NULL DEFAULT now(),
        CONSTRAINT ledger_transfers_pkey PRIMARY KEY (id)
      )`);
    await queryRunner.query(
      `CREATE UNIQUE INDEX ledger_transfers_deposit_reference ON ledger_transfers (reference) WHERE kind = 'deposit'`,
    );
    // Reconciliation finds the booking of each mint by it, and no mint may be booked twice.
    await queryRunner.query(
      `CREATE UNIQUE INDEX ledger_transfers_mint_reference ON ledger_transfers (reference) WHERE kind = 'mint'`,
    );
    await queryRunner.query(`
      CREATE TABLE ledger_entries (
        account_id uuid NOT NULL,
        id uuid NOT NULL,
        transfer_id uuid NOT NULL,
        amount bigint NOT NULL,
        created_at timestamptz(3) NOT NULL,
        CONSTRAINT ledger_entries_pkey PRIMARY KEY (account_id, id, created_at),
        CONSTRAINT ledger_entries_account_id_fkey FOREIGN KEY (account_id) REFERENCES ledger_accounts (id),
        CONSTRAINT ledger_entries_transfer_id_fkey FOREIGN KEY (transfer_id) REFERENCES ledger_transfers (id),
        CONSTRAINT ledger_entries_not_zero CHECK (amount <> 0)
      ) PARTITION BY RANGE (created_at)`);
    await queryRunner.query('CREATE INDEX ledger_entries_transfer_id ON ledger_entries (transfer_id)');
    await queryRunner.query(`
      CREATE TABLE withdrawals (
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        amount bigint NOT NULL,
        reference text NOT NULL,
        status withdrawal_status NOT NULL DEFAULT 'pending',
        decided_by uuid,
        decided_at timestamptz(3),
        created_at timestamptz(3) NOT NULL DEFAULT now(),
        updated_at timestamptz(3) NOT NULL DEFAULT now(),
        CONSTRAINT withdrawals_pkey PRIMARY KEY (id),
        CONSTRAINT withdrawals_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id),
        CONSTRAINT withdrawals_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES users (id),
        CONSTRAINT withdrawals_amount_positive CHECK (amount > 0),
        CONSTRAINT withdrawals_user_id_reference_key UNIQUE (user_id, reference)
      )`);
    await queryRunner.query('CREATE INDEX withdrawals_of_user ON withdrawals (user_id, id)');
    await queryRunner.query('CREATE INDEX withdrawals_by_decider ON withdrawals (decided_by)');
    await queryRunner.query(`CREATE INDEX withdrawals_pending ON withdrawals (id) WHERE status = 'pending'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['withdrawals', 'ledger_entries', 'ledger_transfers', 'ledger_accounts']) {
      await queryRunner.query(`DROP TABLE ${table}`);
    }
    await queryRunner.query('DROP TYPE withdrawal_status');
    await queryRunner.query('DROP TYPE ledger_bucket');
  }
}
