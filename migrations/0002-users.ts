import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Users and organisations, and what proves who somebody is: sessions, mailed tokens, wallet challenges. */
export class Users1795305600002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createUsers(queryRunner);
    await createSessions(queryRunner);
    await createProofs(queryRunner);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const newestFirst = [
      'login_failures',
      'wallet_challenges',
      'user_tokens',
      'spent_refresh_tokens',
      'sessions',
      'users',
      'organizations',
    ];
    for (const table of newestFirst) await queryRunner.query(`DROP TABLE ${table}`);
    await queryRunner.query('DROP TYPE user_token_kind');
    await queryRunner.query('DROP TYPE user_role');
  }
}

async function createUsers(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(
    `CREATE TYPE user_role AS ENUM ('admin', 'operator', 'auditor', 'prosumer', 'consumer', 'corporate')`,
  );
  await queryRunner.query(`
    CREATE TABLE organizations (
      id uuid NOT NULL,
      name text NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT organizations_pkey PRIMARY KEY (id)
    )`);
  await queryRunner.query('CREATE UNIQUE INDEX organizations_name ON organizations (lower(name))');
  await queryRunner.query(`
    CREATE TABLE users (
      id uuid NOT NULL,
      email text NOT NULL,
      username text NOT NULL,
      password_hash text NOT NULL,
      role user_role NOT NULL,
      organization_id uuid,
      first_name text,
      last_name text,
      wallet_address text,
      email_verified boolean NOT NULL DEFAULT false,
      is_active boolean NOT NULL DEFAULT true,
      closed_at timestamptz(3),
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT users_pkey PRIMARY KEY (id),
      CONSTRAINT users_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id),
      CONSTRAINT users_wallet_address_base58 CHECK (wallet_address ~ '^[1-9A-HJ-NP-Za-km-z]{32,44}$'),
      CONSTRAINT users_closed_is_inactive CHECK (closed_at IS NULL OR NOT is_active)
    )`);
  for (const index of [
    'UNIQUE INDEX idx_users_wallet_address ON users (wallet_address) WHERE wallet_address IS NOT NULL',
    'UNIQUE INDEX idx_users_email ON users (lower(email))',
    'UNIQUE INDEX idx_users_username ON users (lower(username))',
    'INDEX idx_users_role ON users (role, id) WHERE is_active',
    'INDEX idx_users_email_verified ON users (created_at, id) WHERE NOT email_verified AND closed_at IS NULL',
    'INDEX idx_users_role_created ON users (role, created_at, id)',
    'INDEX idx_users_org_id ON users (organization_id, id) WHERE organization_id IS NOT NULL',
    'INDEX users_newest ON users (created_at, id)',
    // The space in front lets a search for the beginning of a word find the first word too.
    `INDEX users_search ON users USING gin (lower(' ' || email || ' ' || username || ' ' ||
       coalesce(first_name, '') || ' ' || coalesce(last_name, '')) gin_trgm_ops)`,
  ]) {
    await queryRunner.query(`CREATE ${index}`);
  }
}

async function createSessions(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE sessions (
      id uuid NOT NULL,
      user_id uuid NOT NULL,
      refresh_token_hash bytea NOT NULL,
      user_agent text,
      expires_at timestamptz(3) NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT sessions_pkey PRIMARY KEY (id),
      CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id),
      CONSTRAINT sessions_refresh_token_hash_key UNIQUE (refresh_token_hash)
    )`);
  await queryRunner.query('CREATE INDEX sessions_of_user ON sessions (user_id, id)');
  await queryRunner.query('CREATE INDEX sessions_expiry ON sessions (expires_at)');
  await queryRunner.query(`
    CREATE TABLE spent_refresh_tokens (
      token_hash bytea NOT NULL,
      session_id uuid NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT spent_refresh_tokens_pkey PRIMARY KEY (token_hash),
      CONSTRAINT spent_refresh_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
    )`);
  await queryRunner.query(
    'CREATE INDEX spent_refresh_tokens_of_session ON spent_refresh_tokens (session_id)',
  );
}

async function createProofs(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`CREATE TYPE user_token_kind AS ENUM ('email_verification', 'password_reset')`);
  await queryRunner.query(`
    CREATE TABLE user_tokens (
      user_id uuid NOT NULL,
      kind user_token_kind NOT NULL,
      token_hash bytea NOT NULL,
      email text NOT NULL,
      expires_at timestamptz(3) NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT user_tokens_pkey PRIMARY KEY (user_id, kind),
      CONSTRAINT user_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id),
      CONSTRAINT user_tokens_token_hash_key UNIQUE (token_hash)
    )`);
  await queryRunner.query('CREATE INDEX user_tokens_expiry ON user_tokens (expires_at)');
  await queryRunner.query(`
    CREATE TABLE wallet_challenges (
      id uuid NOT NULL,
      wallet_address text NOT NULL,
      challenge text NOT NULL,
      expires_at timestamptz(3) NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT wallet_challenges_pkey PRIMARY KEY (id)
    )`);
  await queryRunner.query(
    'CREATE INDEX wallet_challenges_of_wallet ON wallet_challenges (wallet_address, expires_at)',
  );
  await queryRunner.query('CREATE INDEX wallet_challenges_expiry ON wallet_challenges (expires_at)');
  await queryRunner.query(`
    CREATE TABLE login_failures (
      identifier_hash bytea NOT NULL,
      failures integer NOT NULL,
      expires_at timestamptz(3) NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT login_failures_pkey PRIMARY KEY (identifier_hash),
      CONSTRAINT login_failures_at_least_one CHECK (failures > 0)
    )`);
  await queryRunner.query('CREATE INDEX login_failures_expiry ON login_failures (expires_at)');
}
