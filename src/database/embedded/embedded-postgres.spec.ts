import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { ask, EmbeddedLab, postmasterOf } from '../../../test/support/embedded-lab';
import { isRunning } from './os-process';

describe('embedded PostgreSQL', () => {
  const lab = new EmbeddedLab();
  afterEach(() => lab.tidy());
  afterAll(() => lab.close());

  it('creates a cluster with the promised settings and two roles', async () => {
    const dataDir = lab.newDataDir();
    const database = await lab.open(dataDir);

    expect(database.origin).toBe('created');
    expect(database.directory).toBe(join(dataDir, 'postgres'));
    expect(lab.sentences).toEqual([`Creating a PostgreSQL 18 database in ${database.directory}.`]);
    expect(
      await ask(
        database.ownerUrl,
        `SELECT current_setting('shared_preload_libraries') AS preloaded, current_setting('track_io_timing') AS timing,
                current_setting('data_checksums') AS checksums, current_setting('listen_addresses') AS listens,
                current_setting('password_encryption') AS passwords, current_setting('shared_buffers') AS buffers,
                current_setting('server_encoding') AS encoding, current_setting('TimeZone') AS zone,
                datlocprovider AS provider, datlocale AS locale
           FROM pg_database WHERE datname = current_database()`,
      ),
    ).toEqual([
      {
        preloaded: 'pg_stat_statements',
        timing: 'on',
        checksums: 'on',
        listens: '127.0.0.1',
        passwords: 'scram-sha-256',
        buffers: '256MB',
        encoding: 'UTF8',
        zone: 'UTC',
        provider: 'b',
        locale: 'C.UTF-8',
      },
    ]);
    expect(await ask(database.appUrl, 'SELECT current_user AS role, current_database() AS database')).toEqual(
      [{ role: 'gridtokenx_app', database: 'gridtokenx' }],
    );
    expect(
      await ask(
        database.ownerUrl,
        `SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolcanlogin
           FROM pg_roles WHERE rolname LIKE 'gridtokenx%' ORDER BY rolname`,
      ),
    ).toMatchObject([
      {
        rolname: 'gridtokenx_app',
        rolsuper: false,
        rolcreatedb: false,
        rolcreaterole: false,
        rolreplication: false,
        rolbypassrls: false,
        rolcanlogin: true,
      },
      { rolname: 'gridtokenx_owner', rolsuper: true },
    ]);
    await expect(ask(database.appUrl, 'CREATE TABLE mine (id int)')).rejects.toThrow('permission denied');
  });

  it('keeps the passwords where only their owner reads them, and lets nobody in without', async () => {
    const dataDir = await lab.dataDir();
    const { appUrl } = await lab.open(dataDir);
    const file = join(dataDir, 'database-passwords.json');

    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(appUrl).toContain(JSON.parse(readFileSync(file, 'utf8')).app);
    await expect(ask(appUrl.replace(/:[^:@]+@/, ':guessed@'), 'SELECT 1')).rejects.toThrow(
      'password authentication failed',
    );
  });

  it('keeps the data when it is stopped and started again', async () => {
    const dataDir = await lab.dataDir();
    const first = await lab.open(dataDir);
    await ask(first.ownerUrl, `CREATE TABLE kept AS SELECT 'a watt-hour' AS what`);
    const pid = postmasterOf(first.directory);
    await first.stop();
    expect(isRunning(pid)).toBe(false);

    const second = await lab.open(dataDir);
    expect(second.origin).toBe('started');
    expect(await ask(second.ownerUrl, 'SELECT what FROM kept')).toEqual([{ what: 'a watt-hour' }]);
  });

  it('mends the role of the application when it is not what it must be', async () => {
    const dataDir = await lab.dataDir();
    const { ownerUrl } = await lab.open(dataDir);
    await ask(ownerUrl, `ALTER ROLE gridtokenx_app CREATEROLE PASSWORD 'forgotten'`);
    await ask(ownerUrl, `GRANT CONNECT ON DATABASE gridtokenx TO PUBLIC`);

    const { appUrl } = await lab.open(dataDir);
    expect(
      await ask(
        appUrl,
        `SELECT rolcreaterole, has_database_privilege('public', current_database(), 'CONNECT') AS open
           FROM pg_roles WHERE rolname = current_user`,
      ),
    ).toEqual([{ rolcreaterole: false, open: false }]);
  });

  it('is shared by two processes that start it at the same moment', async () => {
    const dataDir = lab.newDataDir();
    const starters = [lab.starter(dataDir), lab.starter(dataDir), lab.starter(dataDir)];
    const found = await Promise.all(starters.map(({ started }) => started));

    expect(found.map(({ origin }) => origin).sort()).toEqual(['created', 'taken-over', 'taken-over']);
    expect(new Set(found.map(({ ownerUrl }) => ownerUrl)).size).toBe(1);
    expect((await lab.open(dataDir)).origin).toBe('taken-over');
  });

  describe('when a short command is done', () => {
    it('stops if the command started it', async () => {
      const command = await lab.open(await lab.dataDir());
      const pid = postmasterOf(command.directory);
      await ask(command.appUrl, 'SELECT 1');

      await command.stopIfUnused();
      expect(isRunning(pid)).toBe(false);
    });

    it('goes on while psql is connected', async () => {
      const command = await lab.open(await lab.dataDir());
      const psql = new Client({ connectionString: command.appUrl });
      await psql.connect();

      await command.stopIfUnused();
      expect((await psql.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
      await psql.end();
    });

    it('goes on while another process uses it, also between two connections', async () => {
      const dataDir = await lab.dataDir();
      const command = await lab.open(dataDir);
      const other = await lab.starter(dataDir).started;

      await command.stopIfUnused();
      expect(await ask(other.ownerUrl, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
    });

    it('goes on if it ran before the command', async () => {
      const dataDir = await lab.dataDir();
      const server = await lab.open(dataDir);
      const command = await lab.open(dataDir);

      await command.stopIfUnused();
      expect(await ask(server.appUrl, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
    });
  });
});
