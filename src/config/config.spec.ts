import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError, loadConfig } from './config';
import { environmentSchema } from './environment';

const external = {
  DATABASE_URL: 'postgres://app:secret@db:5432/gridtokenx',
  JWT_SECRET: 'a secret of thirty-two characters or more',
};

describe('configuration', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'gridtokenx-config-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  it('needs nothing: embedded, with a secret that is made once and kept to its owner', () => {
    const first = loadConfig({ DATA_DIR: dataDir });
    expect(first).toMatchObject({ embedded: true, demoData: true, production: false, currency: 'THB' });
    expect(first.rateLimitEnabled).toBe(false);
    expect(first.environment).toMatchObject({ PORT: 8080, HOST: '127.0.0.1', DB_POOL_MAX: 20 });
    expect(loadConfig({ DATA_DIR: dataDir }).jwtSecret).toBe(first.jwtSecret);
    expect(statSync(join(dataDir, 'jwt-secret')).mode & 0o077).toBe(0);
  });

  it('lists everything that is wrong at once', () => {
    const load = () =>
      loadConfig({
        PORT: 'many',
        SETTLEMENT_CURRENCY: 'baht',
        DATABASE_URL: 'mysql://x',
        JWT_SECRET: 'short',
      });
    expect(load).toThrow(ConfigurationError);
    for (const name of ['PORT', 'SETTLEMENT_CURRENCY', 'DATABASE_URL', 'JWT_SECRET'])
      expect(load).toThrow(`  ${name}: `);
  });

  it('refuses embedded defaults and missing secrets in production, with the list of what is missing', () => {
    const load = () => loadConfig({ NODE_ENV: 'production' });
    for (const name of [
      'DATABASE_URL',
      'JWT_SECRET',
      'ADMIN_EMAIL',
      'ADMIN_PASSWORD',
      'SMTP_URL',
      'METRICS_TOKEN',
    ]) {
      expect(load).toThrow(`  ${name}: is required`);
    }
  });

  it('demands a secret of its own beside an external database', () => {
    expect(() => loadConfig({ DATABASE_URL: external.DATABASE_URL })).toThrow(
      'JWT_SECRET: is required with DATABASE_URL',
    );
    expect(loadConfig(external)).toMatchObject({ embedded: false, demoData: false, rateLimitEnabled: true });
  });

  it('takes replicas only beside a database server of its own', () => {
    const replicas = 'postgres://app:secret@one/gridtokenx, postgres://app:secret@two/gridtokenx';
    expect(() => loadConfig({ DATA_DIR: dataDir, DATABASE_REPLICA_URLS: replicas })).toThrow(
      'DATABASE_REPLICA_URLS: needs DATABASE_URL',
    );
    const { environment } = loadConfig({ ...external, DATABASE_REPLICA_URLS: replicas });
    expect(environment.DATABASE_REPLICA_URLS).toHaveLength(2);
  });

  it('takes an empty variable as unset', () => {
    expect(loadConfig({ ...external, REDIS_URL: '', PORT: '' }).environment).toMatchObject({ PORT: 8080 });
  });

  it('says so when DATA_DIR cannot be written', () => {
    const file = join(dataDir, 'a-file');
    writeFileSync(file, '');
    expect(() => loadConfig({ DATA_DIR: join(file, 'below') })).toThrow('ENOTDIR');
  });

  it('makes DATA_DIR for its owner, and does not look for it forever where no folder can be', () => {
    const made = join(dataDir, 'a/b');
    loadConfig({ DATA_DIR: made });
    expect(statSync(made).mode & 0o066).toBe(0);
    for (const nowhere of ['/dev/null/x', '/proc/x/y'])
      expect(() => loadConfig({ DATA_DIR: nowhere })).toThrow('cannot be used');
  });

  it('signs with nothing but a whole secret', () => {
    writeFileSync(join(dataDir, 'jwt-secret'), '');
    expect(() => loadConfig({ DATA_DIR: dataDir })).toThrow('is damaged');
  });

  it.each([
    ['DATABASE_URL', 'postgres://user:secret@host:99999/database'],
    ['DATABASE_URL', 'postgres://user:se%cret@host/database'],
    ['DATABASE_URL', 'postgres://host/database'],
    ['DATABASE_MIGRATION_URL', 'postgres://user:secret@/database'],
    ['DATABASE_REPLICA_URLS', 'postgres://user:secret@one/database,postgres://user:se%cret@two/database'],
    ['REDIS_URL', 'redis://:secret@[['],
    ['REDIS_URL', 'redis://:secret@host/cache'],
    ['SMTP_URL', 'smtp://user:se%cret@host'],
    ['TRUST_PROXY', 'my-proxy'],
    ['TRUST_PROXY', '10.0.0.0/33'],
  ])('refuses a %s that cannot be used, and does not repeat it', (name, value) => {
    const load = () => loadConfig({ ...external, [name]: value });
    expect(load).toThrow(`  ${name}: must `);
    expect(load).not.toThrow(/se%?cret/);
  });

  it.each(['true', 'false', '1', '127.0.0.1', '10.0.0.0/8, ::1', 'loopback'])(
    'trusts proxies by %s',
    (value) => {
      expect(loadConfig({ ...external, TRUST_PROXY: value }).environment.TRUST_PROXY).toBe(value);
    },
  );

  it('hides nothing that is missing behind what is wrong', () => {
    const load = () =>
      loadConfig({ NODE_ENV: 'production', PORT: 'many', DB_POOL_MIN: '9', DB_POOL_MAX: '8' });
    for (const name of ['PORT', 'DATABASE_URL', 'JWT_SECRET', 'DB_POOL_MIN'])
      expect(load).toThrow(`  ${name}: `);
  });

  it('has every variable in .env.example, and no other', () => {
    const example = readFileSync(join(__dirname, '../../.env.example'), 'utf8');
    const documented = [...example.matchAll(/^#?\s?([A-Z][A-Z0-9_]+)=/gm)].map(([, name]) => name);
    expect([...new Set(documented)].sort()).toEqual(Object.keys(environmentSchema.shape).sort());
  });
});
