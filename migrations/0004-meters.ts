import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Meters, their readings by month, revisions of readings, and what was minted of their surplus. */
export class Meters1795305600004 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTypes(queryRunner);
    await createMeters(queryRunner);
    await createMints(queryRunner);
    await createReadings(queryRunner);
    await createRevisions(queryRunner);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['reading_revisions', 'meter_readings', 'mints', 'meters']) {
      await queryRunner.query(`DROP TABLE ${table}`);
    }
    for (const type of [
      'revision_outcome',
      'chain_status',
      'reading_quality',
      'meter_status',
      'energy_source',
    ]) {
      await queryRunner.query(`DROP TYPE ${type}`);
    }
  }
}

async function createTypes(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(
    `CREATE TYPE energy_source AS ENUM ('solar', 'wind', 'hydro', 'biomass', 'geothermal', 'mixed')`,
  );
  await queryRunner.query(`CREATE TYPE meter_status AS ENUM ('pending', 'verified', 'suspended', 'retired')`);
  await queryRunner.query(`CREATE TYPE reading_quality AS ENUM ('actual', 'estimated', 'substituted')`);
  await queryRunner.query(
    `CREATE TYPE chain_status AS ENUM ('none', 'pending', 'submitted', 'confirmed', 'finalized', 'failed')`,
  );
  await queryRunner.query(`CREATE TYPE revision_outcome AS ENUM ('replaced', 'refused')`);
}

async function createMeters(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE meters (
      id uuid NOT NULL,
      serial text NOT NULL,
      owner_id uuid NOT NULL,
      zone text NOT NULL,
      energy_source energy_source NOT NULL,
      capacity_w bigint NOT NULL,
      interval_minutes smallint,
      time_zone text NOT NULL,
      status meter_status NOT NULL DEFAULT 'pending',
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT meters_pkey PRIMARY KEY (id),
      CONSTRAINT meters_serial_key UNIQUE (serial),
      CONSTRAINT meters_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users (id),
      CONSTRAINT meters_capacity_bounded CHECK (capacity_w BETWEEN 0 AND 1000000000),
      CONSTRAINT meters_interval_known CHECK (interval_minutes IN (5, 10, 15, 30, 60))
    )`);
  await queryRunner.query('CREATE INDEX meters_of_owner ON meters (owner_id, id)');
  await queryRunner.query('CREATE INDEX meters_by_status ON meters (status, id)');
}

async function createMints(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE mints (
      id uuid NOT NULL,
      user_id uuid NOT NULL,
      meter_id uuid NOT NULL,
      energy_wh bigint NOT NULL,
      period_from timestamptz(3) NOT NULL,
      period_to timestamptz(3) NOT NULL,
      readings integer NOT NULL,
      chain_status chain_status NOT NULL DEFAULT 'none',
      tx_signature text,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT mints_pkey PRIMARY KEY (id),
      CONSTRAINT mints_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id),
      CONSTRAINT mints_meter_id_fkey FOREIGN KEY (meter_id) REFERENCES meters (id),
      CONSTRAINT mints_energy_positive CHECK (energy_wh > 0),
      CONSTRAINT mints_readings_positive CHECK (readings > 0),
      CONSTRAINT mints_period CHECK (period_from < period_to)
    )`);
  await queryRunner.query('CREATE INDEX mints_of_user ON mints (user_id, id)');
  await queryRunner.query('CREATE INDEX mints_of_meter ON mints (meter_id, id)');
}

async function createReadings(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE meter_readings (
      meter_id uuid NOT NULL,
      interval_start timestamptz(3) NOT NULL,
      interval_minutes smallint NOT NULL,
      generated_wh bigint NOT NULL,
      consumed_wh bigint NOT NULL,
      surplus_wh bigint NOT NULL,
      quality reading_quality NOT NULL DEFAULT 'actual',
      user_id uuid NOT NULL,
      wallet_address text,
      minted boolean NOT NULL DEFAULT false,
      mint_id uuid,
      mint_tx_signature text,
      certified boolean NOT NULL DEFAULT false,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT meter_readings_pkey PRIMARY KEY (meter_id, interval_start),
      CONSTRAINT meter_readings_meter_id_fkey FOREIGN KEY (meter_id) REFERENCES meters (id),
      CONSTRAINT meter_readings_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id),
      CONSTRAINT meter_readings_mint_id_fkey FOREIGN KEY (mint_id) REFERENCES mints (id),
      CONSTRAINT meter_readings_never_negative CHECK (generated_wh >= 0 AND consumed_wh >= 0),
      CONSTRAINT meter_readings_surplus CHECK (surplus_wh = greatest(0, generated_wh - consumed_wh)),
      CONSTRAINT meter_readings_interval_known CHECK (interval_minutes IN (5, 10, 15, 30, 60)),
      CONSTRAINT meter_readings_aligned CHECK (
        date_bin(make_interval(mins => interval_minutes), interval_start, '1970-01-01 00:00:00+00'::timestamptz)
          = interval_start),
      CONSTRAINT meter_readings_minted_by CHECK (minted = (mint_id IS NOT NULL))
    ) PARTITION BY RANGE (interval_start)`);
  for (const index of [
    'idx_meter_readings_user_id ON meter_readings (user_id, interval_start, meter_id)',
    'idx_meter_readings_wallet ON meter_readings (wallet_address, interval_start) WHERE wallet_address IS NOT NULL',
    'idx_meter_readings_minted ON meter_readings (meter_id, user_id) WHERE NOT minted AND surplus_wh > 0',
    'idx_meter_readings_user_minted ON meter_readings (user_id, minted, interval_start, meter_id)',
    'idx_meter_readings_timestamp ON meter_readings USING brin (interval_start) WITH (pages_per_range = 8)',
    'idx_meter_readings_tx_signature ON meter_readings (mint_tx_signature) WHERE mint_tx_signature IS NOT NULL',
    'meter_readings_of_mint ON meter_readings (mint_id) WHERE mint_id IS NOT NULL',
  ]) {
    await queryRunner.query(`CREATE INDEX ${index}`);
  }
}

async function createRevisions(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE reading_revisions (
      id uuid NOT NULL,
      meter_id uuid NOT NULL,
      interval_start timestamptz(3) NOT NULL,
      previous_generated_wh bigint NOT NULL,
      previous_consumed_wh bigint NOT NULL,
      previous_quality reading_quality NOT NULL,
      new_generated_wh bigint NOT NULL,
      new_consumed_wh bigint NOT NULL,
      new_quality reading_quality NOT NULL,
      outcome revision_outcome NOT NULL,
      revised_by uuid NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT reading_revisions_pkey PRIMARY KEY (id),
      CONSTRAINT reading_revisions_meter_id_fkey FOREIGN KEY (meter_id) REFERENCES meters (id),
      CONSTRAINT reading_revisions_revised_by_fkey FOREIGN KEY (revised_by) REFERENCES users (id)
    )`);
  await queryRunner.query(
    'CREATE INDEX reading_revisions_of_interval ON reading_revisions (meter_id, interval_start)',
  );
  await queryRunner.query(`
    CREATE UNIQUE INDEX reading_revisions_refused_once
      ON reading_revisions (meter_id, interval_start, new_generated_wh, new_consumed_wh) WHERE outcome = 'refused'`);
  await queryRunner.query('CREATE INDEX reading_revisions_of_user ON reading_revisions (revised_by)');
}
