import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Certified periods of meters, the certificates over them, and how they changed hands. */
export class Certificates1795305600007 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `CREATE TYPE certificate_status AS ENUM ('active', 'transferred', 'retired', 'expired', 'withdrawn')`,
    );
    await createIssuances(queryRunner);
    await createCertificates(queryRunner);
    await createTransfers(queryRunner);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['erc_certificate_transfers', 'erc_certificates', 'certificate_issuances']) {
      await queryRunner.query(`DROP TABLE ${table}`);
    }
    await queryRunner.query('DROP TYPE certificate_status');
  }
}

async function createIssuances(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE certificate_issuances (
      id uuid NOT NULL,
      meter_id uuid NOT NULL,
      period_from timestamptz(3) NOT NULL,
      period_to timestamptz(3) NOT NULL,
      energy_wh bigint NOT NULL,
      withdrawn_at timestamptz(3),
      withdrawal_reason text,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT certificate_issuances_pkey PRIMARY KEY (id),
      CONSTRAINT certificate_issuances_meter_id_fkey FOREIGN KEY (meter_id) REFERENCES meters (id),
      CONSTRAINT certificate_issuances_period CHECK (period_from < period_to),
      CONSTRAINT certificate_issuances_energy_positive CHECK (energy_wh > 0),
      CONSTRAINT certificate_issuances_withdrawal CHECK ((withdrawn_at IS NULL) = (withdrawal_reason IS NULL)),
      CONSTRAINT certificate_issuances_no_overlap
        EXCLUDE USING gist (meter_id WITH =, tstzrange(period_from, period_to) WITH &&) WHERE (withdrawn_at IS NULL)
    )`);
  await queryRunner.query(
    'CREATE INDEX certificate_issuances_of_meter ON certificate_issuances (meter_id, period_from)',
  );
}

async function createCertificates(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE erc_certificates (
      id uuid NOT NULL,
      certificate_id text NOT NULL,
      issuance_id uuid NOT NULL,
      user_id uuid NOT NULL,
      wallet_address text,
      energy_wh bigint NOT NULL,
      energy_source energy_source NOT NULL,
      vintage text NOT NULL,
      status certificate_status NOT NULL DEFAULT 'active',
      issued_at timestamptz(3) NOT NULL,
      expires_at timestamptz(3) NOT NULL,
      retired_at timestamptz(3),
      beneficiary text,
      purpose text,
      blockchain_tx_signature text,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT erc_certificates_pkey PRIMARY KEY (id),
      CONSTRAINT erc_certificates_issuance_id_fkey FOREIGN KEY (issuance_id) REFERENCES certificate_issuances (id),
      CONSTRAINT erc_certificates_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id),
      CONSTRAINT erc_certificates_energy_positive CHECK (energy_wh > 0),
      CONSTRAINT erc_certificates_expire_after_issue CHECK (expires_at > issued_at),
      CONSTRAINT erc_certificates_retirement CHECK (
        (status = 'retired') = (retired_at IS NOT NULL)
        AND (retired_at IS NULL) = (beneficiary IS NULL)
        AND (retired_at IS NULL) = (purpose IS NULL))
    )`);
  const indexes = [
    'INDEX idx_erc_certificates_user_id ON erc_certificates (user_id, id)',
    'INDEX idx_erc_certificates_wallet ON erc_certificates (wallet_address, id) WHERE wallet_address IS NOT NULL',
    'UNIQUE INDEX idx_erc_certificates_cert_id ON erc_certificates (certificate_id)',
    'INDEX idx_erc_certificates_status ON erc_certificates (status, id)',
    'INDEX idx_erc_certificates_user_status ON erc_certificates (user_id, status, id)',
    `INDEX idx_erc_certificates_expiry ON erc_certificates (expires_at) WHERE status IN ('active', 'transferred')`,
    `INDEX idx_erc_certificates_blockchain ON erc_certificates (blockchain_tx_signature)
      WHERE blockchain_tx_signature IS NOT NULL`,
    'INDEX erc_certificates_of_issuance ON erc_certificates (issuance_id)',
  ];
  for (const index of indexes) await queryRunner.query(`CREATE ${index}`);
}

async function createTransfers(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE erc_certificate_transfers (
      id uuid NOT NULL,
      erc_certificate_id uuid NOT NULL,
      from_user_id uuid NOT NULL,
      to_user_id uuid NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT erc_certificate_transfers_pkey PRIMARY KEY (id),
      CONSTRAINT erc_certificate_transfers_erc_certificate_id_fkey
        FOREIGN KEY (erc_certificate_id) REFERENCES erc_certificates (id),
      CONSTRAINT erc_certificate_transfers_from_user_id_fkey FOREIGN KEY (from_user_id) REFERENCES users (id),
      CONSTRAINT erc_certificate_transfers_to_user_id_fkey FOREIGN KEY (to_user_id) REFERENCES users (id),
      CONSTRAINT erc_certificate_transfers_two_parties CHECK (from_user_id <> to_user_id)
    )`);
  const indexes = [
    'erc_certificate_transfers_of_certificate ON erc_certificate_transfers (erc_certificate_id, id)',
    'erc_certificate_transfers_given ON erc_certificate_transfers (from_user_id, id)',
    'erc_certificate_transfers_received ON erc_certificate_transfers (to_user_id, id)',
  ];
  for (const index of indexes) await queryRunner.query(`CREATE INDEX ${index}`);
}
