import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Client } from 'pg';
import { silence } from '../src/common/progress';
import type { DatabaseUrls } from '../src/database/database.module';
import { buildIndex } from '../src/database/indexes/index-builder';
import { migrate, migrationInfo, undoMigrations, type MigrateOptions } from '../src/database/schema/migrate';
import { withMigrationLock } from '../src/database/schema/migration-lock';
import { asOwner as ownerSession } from '../src/database/schema/owner-session';
import { rehearse } from '../src/database/schema/rehearse';
import { asOwner, emptyDatabase, migratedDatabase } from './support/database';
import { until } from './support/eventually';
import { CommandProcess, contents, migration, THREE } from './support/migrations';
import { ServerProcess, temporaryFolder } from './support/server-process';

const up = (urls: DatabaseUrls, options: MigrateOptions) =>
  migrate(urls.ownerUrl, urls.applicationUrl, options);

const statesOf = async (urls: DatabaseUrls, migrations: MigrateOptions['migrations']) =>
  (await migrationInfo(urls.ownerUrl, { migrations })).map(({ title, state }) => `${title} ${state}`);

describe('the migrations of this code', () => {
  it('go up, down to nothing and up again one by one, lock no table for long, and lead to what the code says', async () => {
    const urls = await emptyDatabase();
    const { differences } = await rehearse(urls, { progress: silence });
    expect(differences).toEqual([]);
    const rest = await asOwner(
      urls,
      `SELECT FROM pg_database WHERE starts_with(datname, current_database() || '_throw')`,
    );
    expect(rest).toEqual([]);
  });

  it('are called as their files are, and numbered without a gap', async () => {
    const files = readdirSync(join(__dirname, '../migrations')).map((file) => basename(file, '.ts'));
    const { ownerUrl } = await emptyDatabase();
    const found = await migrationInfo(ownerUrl);
    expect(found.map(({ title }) => title)).toEqual(files.sort());
    expect(found.map(({ number }) => number)).toEqual(files.map((_, place) => place + 1));
  });

  it('are applied once by ten processes that start together', async () => {
    const urls = await emptyDatabase();
    const processes = Array.from({ length: 10 }, () => new CommandProcess('migrate', urls));
    expect(await Promise.all(processes.map((process) => process.exit()))).toEqual(Array(10).fill(0));
    const idle = processes.filter(({ said }) => said.endsWith('There is nothing to apply\n'));
    expect(idle).toHaveLength(9);
    expect(await migrationInfo(urls.ownerUrl)).toEqual(
      (await migrationInfo(urls.ownerUrl)).map((status) => ({
        ...status,
        state: 'applied',
        appliedAt: expect.any(Date),
        durationMs: expect.any(Number),
      })),
    );
  });

  it('go on where a process was killed', async () => {
    const urls = await emptyDatabase();
    const other = new Client({ connectionString: urls.ownerUrl });
    await other.connect();
    await other.query('BEGIN');
    await other.query(`CREATE TYPE market_status AS ENUM ('mine')`); // 0005 has to wait for what becomes of it
    const process = new CommandProcess('migrate', urls);
    await waitingMigration(urls);
    process.child.kill('SIGKILL');
    await process.exit();
    await other.query('ROLLBACK');
    await other.end();
    const [first] = await migrate(urls.ownerUrl, urls.applicationUrl);
    expect(first).toBe('0005-trading');
  });

  it('wait for an index that is being built only where something is to be applied', async () => {
    const urls = await emptyDatabase();
    await up(urls, { migrations: THREE, to: '2' });
    await ownerSession(urls.ownerUrl, (session) =>
      withMigrationLock(session, async () => {
        expect(await up(urls, { migrations: THREE, to: '2' })).toEqual([]);
        await expect(up(urls, { migrations: THREE, patienceMs: 0 })).rejects.toThrow(
          'Another process has been migrating this database',
        );
      }),
    );
    expect(await up(urls, { migrations: THREE })).toEqual(['0003-readings']);
  });
});

describe('a target', () => {
  it.each([
    ['2', ['0001-meters', '0002-meter-notes']],
    ['0002', ['0001-meters', '0002-meter-notes']],
    ['0002-meter-notes', ['0001-meters', '0002-meter-notes']],
    ['meter-notes', ['0001-meters', '0002-meter-notes']],
    ['MeterNotes1795305600002', ['0001-meters', '0002-meter-notes']],
    ['0', []],
  ])('%s is where migrating ends', async (to, applied) => {
    const urls = await emptyDatabase();
    expect(await up(urls, { migrations: THREE, to })).toEqual(applied);
  });

  it('is where undoing ends; without one, the last migration goes', async () => {
    const urls = await emptyDatabase();
    const steps: string[] = [];
    await up(urls, { migrations: THREE, onStep: (title) => steps.push(`up ${title}`) });
    expect(await undoMigrations(urls.ownerUrl, { migrations: THREE })).toEqual(['0003-readings']);
    await undoMigrations(urls.ownerUrl, {
      migrations: THREE,
      to: 'meters',
      onStep: (title) => steps.push(`down ${title}`),
    });
    expect(await undoMigrations(urls.ownerUrl, { migrations: THREE, to: '0' })).toEqual(['0001-meters']);
    expect(await undoMigrations(urls.ownerUrl, { migrations: THREE })).toEqual([]);
    expect(steps).toEqual([
      'up 0001-meters',
      'up 0002-meter-notes',
      'up 0003-readings',
      'down 0002-meter-notes',
    ]);
    expect(await contents(urls)).toEqual([]);
  });

  it('that is unknown is refused with those that there are', async () => {
    const urls = await emptyDatabase();
    const sentence =
      'There is no migration "four": name one of 0001-meters, 0002-meter-notes, 0003-readings, its number alone, or 0 for the empty database';
    await expect(up(urls, { migrations: THREE, to: 'four' })).rejects.toThrow(sentence);
    await expect(undoMigrations(urls.ownerUrl, { migrations: THREE, to: '4' })).rejects.toThrow(
      'There is no',
    );
    expect(await contents(urls)).toEqual([]);
  });

  it('that lies in the other direction is refused with the way to it', async () => {
    const urls = await emptyDatabase();
    await up(urls, { migrations: THREE, to: '2' });
    await expect(up(urls, { migrations: THREE, to: '1' })).rejects.toThrow('npm run db:undo -- --to 1');
    await expect(undoMigrations(urls.ownerUrl, { migrations: THREE, to: '3' })).rejects.toThrow(
      '3 is not applied: npm run db:migrate -- --to 3',
    );
    expect(await up(urls, { migrations: THREE, to: '2' })).toEqual([]);
  });

  it('leaves out no earlier migration that came later', async () => {
    const urls = await emptyDatabase();
    await up(urls, { migrations: [THREE[0], THREE[2]] });
    expect(await up(urls, { migrations: THREE })).toEqual(['0002-meter-notes']);
    expect(await undoMigrations(urls.ownerUrl, { migrations: THREE, to: '2' })).toEqual(['0003-readings']);
  });
});

describe('a database of a newer version', () => {
  it('is left as it is, with one sentence', async () => {
    const urls = await emptyDatabase();
    await up(urls, { migrations: THREE });
    const older = THREE.slice(0, 2);
    const sentence =
      'A newer version of GridTokenX has migrated this database (0003-readings): start that version, or take its migrations back with it by npm run db:undo -- --to 0002-meter-notes';
    const before = await contents(urls);
    await expect(up(urls, { migrations: older })).rejects.toThrow(sentence);
    await expect(undoMigrations(urls.ownerUrl, { migrations: older })).rejects.toThrow(sentence);
    expect(await contents(urls)).toEqual(before);
    expect(await statesOf(urls, older)).toEqual([
      '0001-meters applied',
      '0002-meter-notes applied',
      '0003-readings unknown',
    ]);
  });

  it('starts no server', async () => {
    const urls = await emptyDatabase();
    await up(urls, { migrations: [migration('Later', 9_000, ['CREATE TABLE later (id int)'])] });
    const folder = temporaryFolder();
    const server = new ServerProcess({
      DATABASE_URL: urls.applicationUrl,
      DATABASE_MIGRATION_URL: urls.ownerUrl,
      DATA_DIR: folder.path,
      JWT_SECRET: 'a secret of tests only, 32 characters or more',
      LOG_LEVEL: 'error',
    });
    expect(await server.exit()).toBe(1);
    folder.remove();
    expect(server.said).toBe(
      'A newer version of GridTokenX has migrated this database (9000-later): start that version, or take its migrations back with it by npm run db:undo -- --to 0\n',
    );
    expect(await contents(urls)).toEqual(['column later.id integer', 'table later']);
  });
});

describe('a migration that was applied', () => {
  const create = 'CREATE TABLE meters (id int, zone text)';
  const applied = [migration('Meters', 1, [create], ['DROP TABLE meters'])];
  const next = migration('Next', 2, ['CREATE TABLE next (id int)']);

  it('may be formatted otherwise', async () => {
    const urls = await emptyDatabase();
    await up(urls, { migrations: applied });
    const formatted = migration('Meters', 1, [
      '\n  CREATE TABLE meters (  -- those that count\n    id int,\n    zone text\n  );',
    ]);
    expect(await up(urls, { migrations: [formatted, next] })).toEqual(['0002-next']);
  });

  it('is not gone on from when it was changed', async () => {
    const urls = await emptyDatabase();
    await up(urls, { migrations: applied });
    const changed = [
      migration('Meters', 1, [create, 'CREATE TABLE more (id int)'], ['DROP TABLE meters']),
      next,
    ];
    await expect(up(urls, { migrations: changed })).rejects.toThrow(
      '0001-meters is no longer what was applied to this database: put the file back as it was and make the change in a new migration (npm run db:generate)',
    );
    expect(await statesOf(urls, changed)).toEqual(['0001-meters changed', '0002-next pending']);
    expect(await undoMigrations(urls.ownerUrl, { migrations: changed })).toEqual(['0001-meters']);
    expect(await up(urls, { migrations: changed })).toEqual(['0001-meters', '0002-next']);
  });

  it('is taken over from a version that kept no checksums', async () => {
    const urls = await emptyDatabase();
    await up(urls, { migrations: applied });
    await asOwner(urls, 'DROP TABLE migration_history');
    expect(await migrationInfo(urls.ownerUrl, { migrations: applied })).toEqual([
      { number: 1, title: '0001-meters', state: 'applied', appliedAt: undefined, durationMs: undefined },
    ]);
    expect(await up(urls, { migrations: applied })).toEqual([]);
    const changed = [migration('Meters', 1, [`${create} `, 'SELECT 1'])];
    expect(await statesOf(urls, changed)).toEqual(['0001-meters changed']);
  });

  it('is recorded where the application cannot write', async () => {
    const urls = await migratedDatabase();
    const application = new Client({ connectionString: urls.applicationUrl });
    await application.connect();
    try {
      for (const statement of [
        'DELETE FROM migration_history',
        `UPDATE migration_history SET checksum = ''`,
        `INSERT INTO migration_history (name, checksum) VALUES ('mine', '')`,
        'DELETE FROM migrations',
      ])
        await expect(application.query(statement)).rejects.toMatchObject({ code: '42501' });
    } finally {
      await application.end();
    }
  });
});

describe('a migration that fails', () => {
  it('changes nothing, and says why without the values it met', async () => {
    const urls = await emptyDatabase();
    const failing = migration('Failing', 2, [
      'CREATE TABLE other (id int)',
      'INSERT INTO meters VALUES (7), (7)',
      'CREATE UNIQUE INDEX once ON meters (id)',
    ]);
    const work = up(urls, { migrations: [THREE[0], failing] });
    await expect(work).rejects.toThrow(
      'Migration 0002-failing failed: could not create unique index "once" (SQLSTATE 23505) in "CREATE UNIQUE INDEX once ON meters (id)"; nothing of this migration was done',
    );
    expect(await contents(urls)).toEqual(['column meters.id integer', 'table meters']);
  });

  it('because its connection broke says so', async () => {
    const urls = await emptyDatabase();
    const cut = migration('Cut', 1, async (runner) => {
      const [session] = (await runner.query('SELECT pg_backend_pid() AS pid')) as { pid: number }[];
      if (session === undefined) return; // who only writes down what is sent
      const client = (await runner.connect()) as Client;
      const broken = once(client, 'error');
      await asOwner(urls, 'SELECT pg_terminate_backend($1)', [session.pid]);
      await broken;
      await runner.query('CREATE TABLE never (id int)');
    });
    await expect(up(urls, { migrations: [cut] })).rejects.toThrow('The connection to the database broke');
    expect(await contents(urls)).toEqual([]);
  });

  it('outside a transaction goes on from there', async () => {
    const urls = await emptyDatabase();
    const outside = migration(
      'Unique',
      2,
      async (runner) => {
        await runner.query('CREATE TABLE IF NOT EXISTS log (id int)');
        await buildIndex(runner, { name: 'once', table: 'meters', definition: '(id)', unique: true });
      },
      [],
      { transaction: false },
    );
    const migrations = [THREE[0], outside];
    await up(urls, { migrations, to: '1' });
    await asOwner(urls, 'INSERT INTO meters VALUES (7), (7)');
    await expect(up(urls, { migrations })).rejects.toThrow('once');
    expect(await contents(urls)).toContain('table log');
    expect(await statesOf(urls, migrations)).toEqual(['0001-meters applied', '0002-unique pending']);
    await asOwner(urls, 'TRUNCATE meters');
    expect(await up(urls, { migrations })).toEqual(['0002-unique']);
    expect(await contents(urls)).toContain(
      'index CREATE UNIQUE INDEX once ON public.meters USING btree (id)',
    );
  });
});

describe('a lock that somebody holds', () => {
  const altering = [THREE[0], migration('Zone', 2, ['ALTER TABLE meters ADD zone text'])];
  const lockPatience = { lockTimeoutMs: 100, attempts: 2, pauseMs: 10 };

  it('is waited for a short while, then named, without what its holder runs', async () => {
    const urls = await emptyDatabase();
    await up(urls, { migrations: altering, to: '1' });
    const holder = await lockMeters(urls);
    const { pid } = (await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!;
    // On a machine that stands still for a moment, too, somebody looks who holds it.
    const longEnough = { ...lockPatience, lockTimeoutMs: 2_000 };
    await expect(up(urls, { migrations: altering, lockPatience: longEnough })).rejects.toThrow(
      new RegExp(
        `^Migration 0002-zone needs a lock that session ${pid} \\(a report, idle in transaction for \\d+ s\\) did not let go of in 2 attempts: end that, or wait for it, and start again; nothing of this migration was done$`,
      ),
    );
    await holder.end();
    expect(await up(urls, { migrations: altering, lockPatience })).toEqual(['0002-zone']);
  });

  it('is no matter once it is gone', async () => {
    const urls = await emptyDatabase();
    await up(urls, { migrations: altering, to: '1' });
    const holder = await lockMeters(urls);
    let migrating: Promise<string[]> | undefined;
    const sentences: string[] = [];
    const told = new Promise<void>((resolve) => {
      const onWait = (sentence: string) => resolve(void sentences.push(sentence));
      migrating = up(urls, {
        migrations: altering,
        lockPatience: { ...lockPatience, attempts: 1_000 },
        onWait,
      });
    });
    await told;
    await holder.end();
    expect(await migrating).toEqual(['0002-zone']);
    expect(sentences[0]).toMatch(
      /^0002-zone waits for session \d+ \(a report, idle in transaction for \d+ s\)$/,
    );
  });

  it('of another process that migrates is waited for, then named', async () => {
    const urls = await emptyDatabase();
    const other = new Client({ connectionString: urls.ownerUrl });
    await other.connect();
    const { pid } = (await other.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!;
    await other.query('SELECT pg_advisory_lock(4711072001)');
    await expect(up(urls, { migrations: THREE, patienceMs: 100 })).rejects.toThrow(
      `Another process has been migrating this database or building its indexes for 0 s (session ${pid} in pg_stat_activity)`,
    );
    await other.end();
    expect(await contents(urls)).toEqual([]);
  });
});

describe('a long lock on a large table', () => {
  const index = 'CREATE INDEX meters_by_id ON meters (id)';
  const prepared = async (rows: number): Promise<DatabaseUrls> => {
    const urls = await emptyDatabase();
    await up(urls, { migrations: THREE, to: '1' });
    await asOwner(urls, 'INSERT INTO meters SELECT generate_series(1, $1)', [rows]);
    return urls;
  };
  const smallTableRows = 3;

  it('is refused before anything is done', async () => {
    const urls = await prepared(4);
    const migrations = [THREE[0], THREE[1], migration('Lookups', 3, [index])];
    await expect(up(urls, { migrations, smallTableRows })).rejects.toThrow(
      `Migration 0003-lookups would keep others out of meters, which has more than 3 rows, since "CREATE INDEX meters_by_id ON meters(id)" keeps writers out while it builds an index: use CREATE INDEX CONCURRENTLY with readonly transaction = false in a migration of its own, or say on the class why it is acceptable (readonly longLock = '…'); nothing was changed`,
    );
    expect(await contents(urls)).toEqual(['column meters.id integer', 'table meters']);
  });

  it.each([
    ['on a small table', 3, migration('Lookups', 2, [index])],
    ['with a note', 4, migration('Lookups', 2, [index], [], { longLock: 'nobody reads it yet' })],
    [
      'of a column that a check has proven',
      4,
      migration('Lookups', 2, ['ALTER TABLE meters ALTER id SET NOT NULL']),
    ],
  ])('is none %s', async (_case, rows, second) => {
    const urls = await prepared(rows);
    await asOwner(urls, 'ALTER TABLE meters ADD CHECK (id IS NOT NULL)');
    const migrations = [THREE[0], second];
    expect(await up(urls, { migrations, smallTableRows })).toEqual(['0002-lookups']);
  });

  it('is found behind the name of an index, too', async () => {
    const urls = await prepared(4);
    await asOwner(urls, index);
    const migrations = [THREE[0], migration('Lookups', 2, ['REINDEX INDEX meters_by_id'])];
    await expect(up(urls, { migrations, smallTableRows })).rejects.toThrow('REINDEX INDEX CONCURRENTLY');
  });

  it('is none of ON ONLY where the table is partitioned', async () => {
    const only = ['CREATE INDEX meters_by_id ON ONLY meters (id)'];
    const partitioned = [
      migration('Meters', 1, ['CREATE TABLE meters (id int) PARTITION BY LIST (id)']),
      migration('Lookups', 2, only),
    ];
    const urls = await emptyDatabase();
    await up(urls, { migrations: partitioned, to: '1' });
    expect(await up(urls, { migrations: partitioned, smallTableRows: -1 })).toEqual(['0002-lookups']);
    const plain = [THREE[0], migration('Lookups', 2, only)];
    await expect(up(await prepared(1), { migrations: plain, smallTableRows: 0 })).rejects.toThrow(
      '0002-lookups',
    );
  });
});

describe('a missing right', () => {
  const ROLE = 'limited_migrations';
  const limited = ({ ownerUrl, applicationUrl }: DatabaseUrls): DatabaseUrls => {
    const place = new URL(ownerUrl);
    place.username = ROLE;
    place.password = 'limited';
    return { ownerUrl: place.toString(), applicationUrl };
  };

  beforeAll(async () => {
    const urls = await emptyDatabase();
    await asOwner(
      urls,
      `DO $$ BEGIN CREATE ROLE ${ROLE} LOGIN PASSWORD 'limited'; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    );
  });

  it('to make tables is named', async () => {
    const urls = await emptyDatabase();
    await expect(up(limited(urls), { migrations: THREE })).rejects.toThrow(
      `The role ${ROLE} lacks a right (permission denied for schema public): let DATABASE_MIGRATION_URL, or DATABASE_URL without it, name the role that owns the database`,
    );
    expect(await contents(urls)).toEqual([]);
  });

  it('to make an extension is named', async () => {
    const urls = await emptyDatabase();
    await asOwner(urls, `GRANT CREATE ON SCHEMA public TO ${ROLE}`);
    await expect(up(limited(urls), {})).rejects.toThrow(
      'Extension btree_gist is missing, and the role of DATABASE_MIGRATION_URL may not create it: let a superuser run CREATE EXTENSION btree_gist in this database',
    );
    expect(await contents(urls)).toEqual([]);
  });

  it('to make a database is named when a rehearsal needs one', async () => {
    const urls = await emptyDatabase();
    await expect(rehearse(limited(urls), { progress: silence })).rejects.toThrow(
      `The role ${ROLE} may not create a database to throw away: let a superuser run ALTER ROLE "${ROLE}" CREATEDB`,
    );
  });

  it('is none of the owner of a database who is no superuser', async () => {
    const urls = await emptyDatabase();
    const name = new URL(urls.ownerUrl).pathname.slice(1);
    await asOwner(urls, 'CREATE EXTENSION pg_stat_statements');
    await asOwner(urls, `ALTER DATABASE ${name} OWNER TO ${ROLE}`);
    expect((await up(limited(urls), {})).length).toBeGreaterThan(8);
    expect((await undoMigrations(limited(urls).ownerUrl, { to: '0' })).length).toBeGreaterThan(8);
  });

  it('to write at all is named', async () => {
    const urls = await emptyDatabase();
    const name = new URL(urls.ownerUrl).pathname.slice(1);
    await asOwner(urls, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await expect(up(urls, { migrations: THREE })).rejects.toThrow(
      'This database takes no changes (cannot execute CREATE TABLE in a read-only transaction): let DATABASE_MIGRATION_URL lead to the server that does, not to a standby',
    );
    expect(await statesOf(urls, THREE)).toContain('0001-meters pending');
  });
});

async function lockMeters(urls: DatabaseUrls): Promise<Client> {
  const holder = new Client({ connectionString: urls.ownerUrl, application_name: 'a report' });
  await holder.connect();
  await holder.query('BEGIN');
  await holder.query('LOCK TABLE meters IN ACCESS SHARE MODE');
  return holder;
}

/** Resolves as soon as a migration waits for a lock. */
async function waitingMigration(urls: DatabaseUrls): Promise<void> {
  const waiting = `SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'gridtokenx migrations'`;
  await until(async () => (await asOwner(urls, waiting)).length > 0);
}
