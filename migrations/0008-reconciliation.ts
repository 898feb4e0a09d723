import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Enough for a few machines to share the items between them; a power of two, so that it can be split. */
const ITEM_PARTITIONS = 8;

/** Projects with their data sets and rules, runs of comparisons, and the breaks they found. */
export class Reconciliation1795305600008 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTypes(queryRunner);
    await createProjects(queryRunner);
    await createReconciliations(queryRunner);
    await createItems(queryRunner);
    await createBreaks(queryRunner);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const tables = [
      'reconciliation_breaks',
      'reconciliation_items',
      'reconciliations',
      'reconciliation_rules',
      'dataset_rows',
      'datasets',
      'projects',
    ];
    for (const table of tables) await queryRunner.query(`DROP TABLE ${table}`);
    const types = [
      'reconciliation_break_status',
      'reconciliation_item_status',
      'reconciliation_status',
      'dataset_side',
    ];
    for (const type of types) await queryRunner.query(`DROP TYPE ${type}`);
  }
}

async function createTypes(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`CREATE TYPE dataset_side AS ENUM ('left', 'right')`);
  await queryRunner.query(
    `CREATE TYPE reconciliation_status AS ENUM ('pending', 'running', 'completed', 'failed', 'cancelled')`,
  );
  await queryRunner.query(
    `CREATE TYPE reconciliation_item_status AS ENUM
       ('pending', 'matched', 'mismatched', 'missing_left', 'missing_right')`,
  );
  await queryRunner.query(
    `CREATE TYPE reconciliation_break_status AS ENUM ('open', 'assigned', 'proposed', 'resolved')`,
  );
}

async function createProjects(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE projects (
      id uuid NOT NULL,
      organization_id uuid,
      name text NOT NULL,
      archived boolean NOT NULL DEFAULT false,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT projects_pkey PRIMARY KEY (id),
      CONSTRAINT projects_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id)
    )`);
  await queryRunner.query('CREATE INDEX projects_of_organization ON projects (organization_id, id)');
  await queryRunner.query(`
    CREATE TABLE datasets (
      id uuid NOT NULL,
      project_id uuid NOT NULL,
      name text NOT NULL,
      side dataset_side NOT NULL,
      row_count integer NOT NULL DEFAULT 0,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT datasets_pkey PRIMARY KEY (id),
      CONSTRAINT datasets_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id),
      CONSTRAINT datasets_project_id_name_key UNIQUE (project_id, name),
      CONSTRAINT datasets_row_count CHECK (row_count >= 0)
    )`);
  await queryRunner.query(`
    CREATE TABLE dataset_rows (
      dataset_id uuid NOT NULL,
      line integer NOT NULL,
      data jsonb NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT dataset_rows_pkey PRIMARY KEY (dataset_id, line),
      CONSTRAINT dataset_rows_dataset_id_fkey FOREIGN KEY (dataset_id) REFERENCES datasets (id),
      CONSTRAINT dataset_rows_line CHECK (line > 0)
    )`);
  await queryRunner.query(`
    CREATE TABLE reconciliation_rules (
      id uuid NOT NULL,
      project_id uuid NOT NULL,
      name text NOT NULL,
      version integer NOT NULL,
      definition jsonb NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT reconciliation_rules_pkey PRIMARY KEY (id),
      CONSTRAINT reconciliation_rules_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id),
      CONSTRAINT reconciliation_rules_project_id_name_version_key UNIQUE (project_id, name, version),
      CONSTRAINT reconciliation_rules_version CHECK (version > 0)
    )`);
}

async function createReconciliations(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE reconciliations (
      id uuid NOT NULL,
      project_id uuid,
      reference text NOT NULL,
      amount bigint NOT NULL DEFAULT 0,
      status reconciliation_status NOT NULL DEFAULT 'pending',
      progress smallint NOT NULL DEFAULT 0,
      metadata jsonb NOT NULL DEFAULT '{}',
      rule_snapshot jsonb,
      started_at timestamptz(3),
      finished_at timestamptz(3),
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT reconciliations_pkey PRIMARY KEY (id),
      CONSTRAINT reconciliations_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id),
      CONSTRAINT reconciliations_progress CHECK (progress BETWEEN 0 AND 100),
      CONSTRAINT reconciliations_finish CHECK
        ((status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
    )`);
  const indexes = [
    `idx_reconciliations_status ON reconciliations (status, updated_at) WHERE status IN ('running', 'failed')`,
    `idx_reconciliations_pending ON reconciliations (created_at, id) INCLUDE (project_id, reference, amount)
      WHERE status = 'pending'`,
    `idx_reconciliations_project_status ON reconciliations (project_id, status, created_at DESC, id DESC)`,
    `idx_reconciliations_covering ON reconciliations (project_id, reference) INCLUDE (amount, status)`,
    `idx_reconciliations_metadata ON reconciliations USING gin (metadata)`,
    `idx_reconciliations_project_id ON reconciliations (project_id, created_at DESC, id DESC)`,
    `idx_reconciliations_created_at ON reconciliations (created_at DESC, id DESC)`,
    `idx_reconciliations_status_created ON reconciliations (status, created_at DESC, id DESC)`,
  ];
  for (const index of indexes) await queryRunner.query(`CREATE INDEX ${index}`);
}

async function createItems(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE reconciliation_items (
      reconciliation_id uuid NOT NULL,
      id uuid NOT NULL,
      reference text NOT NULL,
      status reconciliation_item_status NOT NULL DEFAULT 'pending',
      left_amount bigint,
      right_amount bigint,
      detail jsonb NOT NULL DEFAULT '{}',
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT reconciliation_items_pkey PRIMARY KEY (reconciliation_id, id),
      CONSTRAINT reconciliation_items_reconciliation_id_fkey
        FOREIGN KEY (reconciliation_id) REFERENCES reconciliations (id)
    ) PARTITION BY HASH (reconciliation_id)`);
  await queryRunner.query(
    `CREATE INDEX idx_reconciliation_items_reconciliation_id ON reconciliation_items (reconciliation_id, status, id)`,
  );
  for (let remainder = 0; remainder < ITEM_PARTITIONS; remainder++) {
    await queryRunner.query(`
      CREATE TABLE reconciliation_items_${remainder} PARTITION OF reconciliation_items
        FOR VALUES WITH (MODULUS ${ITEM_PARTITIONS}, REMAINDER ${remainder})`);
  }
}

async function createBreaks(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE reconciliation_breaks (
      id uuid NOT NULL,
      reconciliation_id uuid NOT NULL,
      type text NOT NULL,
      entity text NOT NULL,
      entity_id text NOT NULL,
      unit text NOT NULL,
      expected bigint NOT NULL,
      actual bigint NOT NULL,
      difference bigint NOT NULL,
      detail text NOT NULL,
      status reconciliation_break_status NOT NULL DEFAULT 'open',
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT reconciliation_breaks_pkey PRIMARY KEY (id),
      CONSTRAINT reconciliation_breaks_reconciliation_id_fkey
        FOREIGN KEY (reconciliation_id) REFERENCES reconciliations (id),
      CONSTRAINT reconciliation_breaks_difference CHECK (difference = actual - expected)
    )`);
  await queryRunner.query(
    'CREATE INDEX reconciliation_breaks_of_run ON reconciliation_breaks (reconciliation_id, id)',
  );
  await queryRunner.query(
    'CREATE INDEX reconciliation_breaks_of_type ON reconciliation_breaks (reconciliation_id, type, id)',
  );
}
