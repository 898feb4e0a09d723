import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Client } from 'pg';
import { loadConfig } from '../src/config/config';
import { createApp } from '../src/create-app';
import type { DatabaseUrls } from '../src/database/database.module';
import { AdminNotReset, resetAdmin } from '../src/users/admin-reset';
import { startApp, type TestApp } from './support/app';
import { asOwner, emptyDatabase, migratedDatabase } from './support/database';

describe('the first administrator', () => {
  let dataDir: string;
  let printed: string;
  const running: NestFastifyApplication[] = [];

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'gridtokenx-admin-'));
    printed = '';
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const app of running.splice(0)) await app.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function boot(urls: DatabaseUrls, variables: Record<string, string> = {}): Promise<string> {
    const config = loadConfig({
      DATABASE_URL: urls.applicationUrl,
      DATABASE_MIGRATION_URL: urls.ownerUrl,
      DATA_DIR: dataDir,
      JWT_SECRET: 'a secret of tests only, 32 characters or more',
      DB_POOL_MIN: '1',
      ...variables,
    });
    const app = await createApp(config, urls, false);
    running.push(app);
    await app.listen(0, '127.0.0.1');
    return app.getUrl();
  }

  const login = async (url: string, identifier: string, password: string) => {
    const body = JSON.stringify({ identifier, password });
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${url}/api/auth/login`, { method: 'POST', headers, body })).status;
  };
  const passwords = () =>
    [...printed.matchAll(/^ +password +(\S+)$/gm)].map(([, password]) => password as string);

  it('is made with a password that is printed once', async () => {
    const urls = await migratedDatabase();
    const url = await boot(urls);
    const [password] = passwords();
    expect(printed).toMatch(/^ +e-mail +admin@gridtokenx\.example$/m);
    expect(password).toMatch(/^[1-9A-HJ-NP-Za-km-z]{15,21}$/);
    expect(await login(url, 'admin@gridtokenx.example', password as string)).toBe(200);
    expect(await login(url, 'admin', password as string)).toBe(200);
    await boot(urls);
    expect(passwords()).toHaveLength(1);
  });

  it('is the one of ADMIN_EMAIL and ADMIN_PASSWORD, and nothing is printed', async () => {
    const url = await boot(await migratedDatabase(), {
      ADMIN_EMAIL: 'boss@example.org',
      ADMIN_PASSWORD: 'correct horse battery',
    });
    expect(await login(url, 'boss@example.org', 'correct horse battery')).toBe(200);
    expect(printed).not.toContain('correct horse battery');
    expect(passwords()).toEqual([]);
  });

  it('is one, however many processes start at once', async () => {
    const urls = await migratedDatabase();
    const places = await Promise.all([boot(urls), boot(urls), boot(urls)]);
    const admins = await asOwner(urls, `SELECT role FROM users`);
    expect(admins).toEqual([{ role: 'admin' }]);
    expect(passwords()).toHaveLength(1);
    for (const url of places) expect(await login(url, 'admin', passwords()[0] as string)).toBe(200);
  });

  it('does not take over somebody’s account', async () => {
    const urls = await migratedDatabase();
    await asOwner(
      urls,
      `INSERT INTO users (id, email, username, password_hash, role)
       VALUES (gen_random_uuid(), 'ADMIN@gridtokenx.example', 'someone', 'x', 'consumer')`,
    );
    await boot(urls);
    expect(await asOwner(urls, 'SELECT username, role FROM users')).toEqual([
      { username: 'someone', role: 'consumer' },
    ]);
    expect(passwords()).toEqual([]);
  });
});

describe('an administrator who is locked out', () => {
  let app: TestApp;
  let owner: Client;
  beforeAll(async () => {
    app = await startApp();
    owner = new Client({ connectionString: app.urls.ownerUrl });
    await owner.connect();
  });
  afterAll(async () => {
    await owner.end();
    await app.close();
  });

  it('gets a new password, an active account, and no old session', async () => {
    const admin = app.admin;
    for (let n = 0; n < 6; n++) {
      await app.post('/api/auth/login', { body: { identifier: admin.email, password: 'a wrong password' } });
    }
    await asOwner(app.urls, 'UPDATE users SET is_active = false WHERE id = $1', [admin.id]);
    const restored = await resetAdmin(owner, {});
    expect(restored).toEqual({
      email: admin.email,
      username: admin.username,
      password: expect.stringMatching(/^[1-9A-HJ-NP-Za-km-z]{15,21}$/),
    });
    expect((await app.get('/api/users/me', { as: admin })).status).toBe(401);
    app.admin = await app.logsIn(admin.email, restored.password);
    const { body } = await app.get('/api/admin/audit?action=user.access_restored', { as: app.admin });
    expect(body.items[0]).toMatchObject({ userId: null, entityId: admin.id });
  });

  it('is the one who is named, with the password that is given', async () => {
    const second = await app.registers({ role: 'admin' });
    await resetAdmin(owner, { email: second.email.toUpperCase(), password: 'chosen by hand' });
    expect((await app.logsIn(second.email, 'chosen by hand')).id).toBe(second.id);
    expect((await app.get('/api/users/me', { as: app.admin })).status).toBe(200);
  });

  it('is nobody who is none', async () => {
    const person = await app.registers();
    await expect(resetAdmin(owner, { email: person.email })).rejects.toThrow(AdminNotReset);
    await expect(resetAdmin(owner, { email: 'nobody@example.org' })).rejects.toThrow('is no administrator');
    await expect(resetAdmin(owner, { password: 'short' })).rejects.toThrow('10 to 128 characters');
    expect((await app.get('/api/users/me', { as: person })).status).toBe(200);
  });

  it('is not looked for in a database without a schema', async () => {
    const { ownerUrl } = await emptyDatabase();
    const client = new Client({ connectionString: ownerUrl });
    await client.connect();
    await expect(resetAdmin(client, {})).rejects.toThrow('There is no administrator yet');
    await client.end();
  });
});
