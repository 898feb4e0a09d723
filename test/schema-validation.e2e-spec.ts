import type { SchemaDifference } from '../src/database/schema/schema-difference';
import { validateSchema } from '../src/database/schema/validate';
import { asOwner, migratedDatabase } from './support/database';

/** What somebody might do to a database behind the code's back. */
const DRIFT = `
  ALTER TABLE users ADD extra int;
  ALTER TABLE organizations DROP COLUMN updated_at;
  ALTER TABLE meters ALTER zone TYPE varchar(50);
  ALTER TABLE users ALTER username DROP NOT NULL;
  ALTER TABLE users ALTER email_verified SET DEFAULT true;
  ALTER TABLE users DROP CONSTRAINT users_closed_is_inactive;
  ALTER TABLE users ADD CONSTRAINT users_closed_is_inactive CHECK (closed_at IS NULL OR NOT is_active OR email = '');
  ALTER TABLE sessions DROP CONSTRAINT sessions_user_id_fkey;
  ALTER TABLE sessions ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
  ALTER TABLE sessions ADD CONSTRAINT sessions_mine CHECK (user_agent <> 'x');
  ALTER TABLE sessions DROP CONSTRAINT sessions_refresh_token_hash_key;
  ALTER TABLE markets DROP CONSTRAINT markets_tick_positive;
  ALTER TABLE markets ADD CONSTRAINT markets_tick_positive CHECK (tick > 0) NOT VALID;
  ALTER TABLE markets DROP CONSTRAINT markets_lot_positive;
  ALTER TABLE wallet_challenges DROP CONSTRAINT wallet_challenges_pkey;
  ALTER TABLE certificate_issuances DROP CONSTRAINT certificate_issuances_no_overlap;
  ALTER TABLE certificate_issuances ADD CONSTRAINT certificate_issuances_no_overlap
    EXCLUDE USING gist (meter_id WITH =, tstzrange(period_from, period_to) WITH &&);
  ALTER TABLE withdrawals DROP CONSTRAINT withdrawals_user_id_reference_key;
  ALTER TABLE withdrawals ADD CONSTRAINT withdrawals_user_id_reference_key UNIQUE (reference, user_id);
  ALTER TYPE meter_status ADD VALUE 'lost';
  ALTER TYPE withdrawal_status RENAME VALUE 'refused' TO 'denied';
  CREATE TYPE mood AS ENUM ('good');
  CREATE TABLE mine (a int);
  CREATE VIEW mine_too AS SELECT 1 AS a;
  DROP TABLE idempotency_keys;
  DROP INDEX meters_by_status;
  DROP INDEX sessions_expiry;
  CREATE INDEX sessions_expiry ON sessions (expires_at) WHERE user_agent IS NOT NULL;
  CREATE INDEX users_extra ON users (email);
  SELECT ensure_month_partition('audit_logs', '2026-01-01');
  DO $$ DECLARE definition text := pg_get_indexdef('audit_logs_organization_id'::regclass);
     BEGIN DROP INDEX audit_logs_organization_id; EXECUTE definition; END $$;
  UPDATE migration_history SET checksum = 'other' WHERE name LIKE 'Ledger%';
  INSERT INTO migrations (timestamp, name) VALUES (1795305609000, 'Later1795305609000')`;

/** It cannot stand in one batch with others, and fails: that is how an index becomes INVALID. */
const BROKEN = 'CREATE UNIQUE INDEX CONCURRENTLY users_once ON users ((1))';

const EXPECTED: [SchemaDifference['kind'], message: string, mend: string][] = [
  ['migration', '0003-ledger is no longer what was applied', 'put the file back as it was'],
  ['migration', '9000-later was applied by a newer version', 'start that version'],
  ['table', 'the table mine is declared by no entity', 'DROP TABLE mine, or declare it'],
  ['table', 'the view mine_too is declared by no entity', 'DROP VIEW mine_too, or declare it'],
  ['table', 'the table idempotency_keys does not exist', 'npm run db:generate'],
  ['enum', 'the enum mood is declared by no entity', 'DROP TYPE mood, or declare it'],
  [
    'enum',
    'the enum meter_status is pending, verified, suspended, retired, lost, and declared as pending, verified, suspended, retired',
    'an enum loses no values',
  ],
  [
    'enum',
    'the enum withdrawal_status is pending, confirmed, denied, and declared as pending, confirmed, refused',
    'RENAME VALUE',
  ],
  ['column', 'column extra of users is declared on no entity', 'DROP COLUMN "extra"'],
  ['column', 'column updated_at of organizations does not exist', 'ADD "updated_at"'],
  ['column', 'column zone of meters is not text NOT NULL, as its entity says', 'ALTER COLUMN "zone" TYPE'],
  ['column', 'column username of users is not what its entity says', 'SET NOT NULL'],
  ['column', 'column email_verified of users is not what its entity says', 'SET DEFAULT false'],
  [
    'constraint',
    `users_closed_is_inactive of users is CHECK (((closed_at IS NULL) OR (NOT is_active) OR (email = ''::text))), and declared as CHECK (((closed_at IS NULL) OR (NOT is_active)))`,
    'NOT VALID; ALTER TABLE users VALIDATE CONSTRAINT users_closed_is_inactive',
  ],
  [
    'constraint',
    'sessions_user_id_fkey of sessions is FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE, and declared as FOREIGN KEY (user_id) REFERENCES users(id)',
    'DROP CONSTRAINT sessions_user_id_fkey',
  ],
  [
    'constraint',
    `sessions_mine of sessions (CHECK ((user_agent <> 'x'::text))) is declared on no entity`,
    'DROP CONSTRAINT sessions_mine',
  ],
  [
    'constraint',
    'sessions_refresh_token_hash_key of sessions is declared and not there',
    'UNIQUE (refresh_token_hash)',
  ],
  ['constraint', 'markets_tick_positive of markets was never validated', 'VALIDATE CONSTRAINT'],
  ['constraint', 'markets_lot_positive of markets is declared and not there', 'CHECK ((lot_wh > 0))'],
  ['constraint', 'wallet_challenges_pkey of wallet_challenges is declared', 'PRIMARY KEY (id)'],
  [
    'constraint',
    'certificate_issuances_no_overlap of certificate_issuances is',
    'WHERE ((withdrawn_at IS NULL))',
  ],
  [
    'constraint',
    'withdrawals_user_id_reference_key of withdrawals is UNIQUE (reference, user_id)',
    'UNIQUE (user_id, reference)',
  ],
  ['index', 'meters_by_status on meters is declared and not there', 'npm run db:indexes'],
  ['index', 'sessions_expiry on sessions is USING btree (expires_at) WHERE', 'npm run db:indexes'],
  ['index', 'users_extra on users is known to no declaration', 'DROP INDEX CONCURRENTLY users_extra'],
  ['index', 'users_once on users was left behind INVALID', 'DROP INDEX CONCURRENTLY users_once'],
  ['index', 'audit_logs_organization_id on audit_logs_2026_01 lacks its part', 'npm run db:indexes'],
];

describe('validating the schema', () => {
  it('finds nothing in a database that is as the code says, and says how much it compared', async () => {
    const { ownerUrl } = await migratedDatabase();
    const found = await validateSchema(ownerUrl);
    expect(found.differences).toEqual([]);
    for (const count of [found.tables, found.columns, found.constraints, found.indexes, found.migrations])
      expect(count).toBeGreaterThan(8);
  });

  describe('of a database that was changed', () => {
    let differences: readonly SchemaDifference[];
    beforeAll(async () => {
      const urls = await migratedDatabase();
      await asOwner(urls, DRIFT);
      await asOwner(
        urls,
        `INSERT INTO users (id, email, password_hash, role, username)
         SELECT gen_random_uuid(), n || '@example.org', '', 'consumer', n FROM generate_series(1, 2) n`,
      );
      await expect(asOwner(urls, BROKEN)).rejects.toThrow('users_once');
      differences = (await validateSchema(urls.ownerUrl)).differences;
    });

    it.each(EXPECTED)('finds this %s: %s', (kind, message, mend) => {
      const found = differences.find((difference) => difference.message.startsWith(message));
      expect(found).toMatchObject({ kind, mend: expect.stringContaining(mend) });
    });

    it('finds nothing else', () => {
      expect(
        differences.filter(({ message }) => !EXPECTED.some((known) => message.startsWith(known[1]))),
      ).toEqual([]);
    });
  });
});
