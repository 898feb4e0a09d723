import { ForgettingService } from '../src/users/forgetting.service';
import { startApp, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { until } from './support/eventually';
import { stopClock } from './support/recurring-jobs';

const WALLET = '7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV';

const tiers = [
  ['of Redis', { REDIS_URL: process.env['TEST_REDIS_URL'] as string }],
  ['of no cache', {}],
] as [string, Record<string, string>][];

describe.each(tiers)('sessions, by the look-up %s', (_, variables) => {
  let app: TestApp;
  let other: TestApp;
  beforeAll(async () => {
    app = await startApp(variables);
    other = await startApp(variables, app.urls);
    await stopClock(app.urls); // what has ended is forgotten when a test says so
  });
  afterAll(async () => {
    await other.close();
    await app.close();
  });

  const refresh = (refreshToken: string, at = app) =>
    at.post('/api/auth/refresh', { body: { refreshToken } });
  /** What each process makes of an access token. */
  const statusOf = async (token: string) =>
    Promise.all([app, other].map(async (at) => (await at.get('/api/users/me', { as: token })).status));
  const LIVES = [200, 200];
  const ENDED = [401, 401];
  const again = (person: Person) => app.logsIn(person.email, person.password);

  describe('a refresh token', () => {
    it('is exchanged for a new pair', async () => {
      const person = await app.registers();
      const { status, body } = await refresh(person.refreshToken, other);
      expect(status).toBe(200);
      expect(Object.keys(body).sort()).toEqual(['accessToken', 'expiresIn', 'refreshToken']);
      expect(body.refreshToken).not.toBe(person.refreshToken);
      expect(await statusOf(body.accessToken)).toEqual(LIVES);
      expect(await statusOf(person.token)).toEqual(LIVES);
      expect((await refresh(body.refreshToken)).status).toBe(200);
    });

    it('that was exchanged before ends its whole family, and no other', async () => {
      const person = await app.registers();
      const elsewhere = await again(person);
      const next = (await refresh(person.refreshToken)).body;
      const newest = (await refresh(next.refreshToken)).body;
      expect(await statusOf(newest.accessToken)).toEqual(LIVES);
      expect(await refresh(person.refreshToken)).toMatchObject({
        status: 401,
        body: { code: 'INVALID_REFRESH_TOKEN' },
      });
      expect((await refresh(newest.refreshToken)).status).toBe(401);
      expect(await statusOf(newest.accessToken)).toEqual(ENDED);
      expect(await statusOf(elsewhere.token)).toEqual(LIVES);
      const audit = await app.get('/api/admin/audit?action=session.revoked', { as: app.admin });
      expect(audit.body.items[0].after.userId).toBe(person.id);
    });

    it('is exchanged once of many attempts at once', async () => {
      const person = await app.registers();
      const attempts = Array.from({ length: 10 }, (__, n) =>
        refresh(person.refreshToken, n % 2 ? app : other),
      );
      const statuses = (await Promise.all(attempts)).map(({ status }) => status).sort();
      expect(statuses).toEqual([200, ...Array<number>(9).fill(401)]);
    });

    it('is good for 30 days after the last exchange, and 90 after log-in', async () => {
      const person = await app.registers();
      const age = (days: number) =>
        asOwner(
          app.urls,
          `UPDATE sessions SET expires_at = expires_at - $1::interval, created_at = created_at - $1::interval WHERE user_id = $2`,
          [`${days} days`, person.id],
        );
      let token = person.refreshToken;
      for (const days of [29, 29, 29]) {
        await age(days);
        const { status, body } = await refresh(token);
        expect(status).toBe(200);
        token = body.refreshToken;
      }
      await age(3);
      expect((await refresh(token)).status).toBe(401);
      const idle = await again(person);
      await age(30);
      expect((await refresh(idle.refreshToken)).status).toBe(401);
    });

    it('of a deactivated user is not', async () => {
      const person = await app.registers();
      await app.patch(`/api/users/${person.id}`, { as: app.admin, body: { isActive: false } });
      expect((await refresh(person.refreshToken)).status).toBe(401);
    });

    it('is nothing that anybody makes up, nor an access token', async () => {
      const person = await app.registers();
      expect((await refresh('made-up')).status).toBe(401);
      expect((await refresh(person.token)).status).toBe(400); // longer than any refresh token
      expect(await statusOf(person.refreshToken)).toEqual(ENDED);
      expect((await app.post('/api/auth/refresh', { body: {} })).status).toBe(400);
      expect((await app.post('/api/auth/refresh')).status).toBe(400);
    });

    it('lies in the database as a hash', async () => {
      const person = await app.registers();
      const rows = await asOwner<{ session: string }>(
        app.urls,
        'SELECT s::text AS session FROM sessions s WHERE user_id = $1',
        [person.id],
      );
      const inHex = Buffer.from(person.refreshToken).toString('hex');
      expect(rows[0]?.session).not.toContain(person.refreshToken);
      expect(rows[0]?.session).not.toContain(inHex);
      expect(rows[0]?.session).not.toContain(Buffer.from(person.refreshToken, 'base64url').toString('hex'));
    });
  });

  describe('logging out', () => {
    it('ends the session of the access token at once, in every process', async () => {
      const person = await app.registers();
      const elsewhere = await again(person);
      expect(await statusOf(person.token)).toEqual(LIVES);
      expect((await app.post('/api/auth/logout', { as: person })).status).toBe(204);
      expect(await statusOf(person.token)).toEqual(ENDED);
      expect((await refresh(person.refreshToken)).status).toBe(401);
      expect(await statusOf(elsewhere.token)).toEqual(LIVES);
    });

    it('works by the refresh token alone, for an access token that has expired', async () => {
      const person = await app.registers();
      expect(
        (await app.post('/api/auth/logout', { body: { refreshToken: person.refreshToken } })).status,
      ).toBe(204);
      expect(await statusOf(person.token)).toEqual(ENDED);
    });

    it('does not tell whether there was something to end', async () => {
      expect((await app.post('/api/auth/logout', { body: { refreshToken: 'made-up' } })).status).toBe(204);
      expect((await app.post('/api/auth/logout')).status).toBe(204);
      expect((await app.post('/api/auth/logout', { body: { everybody: true } })).status).toBe(400);
    });
  });

  describe('the list of sessions', () => {
    const list = (as: Person, query = '') => app.get(`/api/auth/sessions${query}`, { as });

    it('shows the own ones, newest first, page by page, and nothing secret', async () => {
      const person = await app.registers();
      await again(person);
      const newest = await again(person);
      const { status, body } = await list(newest);
      expect(status).toBe(200);
      expect(body.items.map(({ current }: { current: boolean }) => current)).toEqual([true, false, false]);
      expect(Object.keys(body.items[0]).sort()).toEqual([
        'createdAt',
        'current',
        'expiresAt',
        'id',
        'lastUsedAt',
        'userAgent',
      ]);
      const first = (await list(newest, '?limit=2')).body;
      const second = (await list(newest, `?limit=2&cursor=${first.nextCursor}`)).body;
      expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(
        body.items.map(({ id }: { id: string }) => id),
      );
      expect(second.nextCursor).toBeNull();
      expect((await list(newest, '?cursor=rubbish')).status).toBe(400);
      expect((await list(newest, '?userId=1')).status).toBe(400);
    });

    it('ends one session', async () => {
      const person = await app.registers();
      const elsewhere = await again(person);
      const [, old] = (await list(elsewhere)).body.items;
      expect(await statusOf(person.token)).toEqual(LIVES);
      expect((await app.delete(`/api/auth/sessions/${old.id}`, { as: elsewhere })).status).toBe(204);
      expect(await statusOf(person.token)).toEqual(ENDED);
      expect(await statusOf(elsewhere.token)).toEqual(LIVES);
      expect((await app.delete(`/api/auth/sessions/${old.id}`, { as: elsewhere })).status).toBe(404);
    });

    it('never ends somebody else’s', async () => {
      const [person, stranger] = [await app.registers(), await app.registers()];
      const [session] = (await list(person)).body.items;
      for (const as of [stranger, app.admin]) {
        const answer = await app.delete(`/api/auth/sessions/${session.id}`, { as });
        expect(answer).toMatchObject({ status: 404, body: { code: 'SESSION_NOT_FOUND' } });
      }
      expect(await statusOf(person.token)).toEqual(LIVES);
      expect((await app.delete('/api/auth/sessions/not-an-id', { as: person })).status).toBe(400);
    });

    it('ends them all', async () => {
      const person = await app.registers();
      const elsewhere = await again(person);
      const stranger = await app.registers();
      expect((await app.delete('/api/auth/sessions', { as: elsewhere })).status).toBe(204);
      expect(await statusOf(person.token)).toEqual(ENDED);
      expect(await statusOf(elsewhere.token)).toEqual(ENDED);
      expect(await statusOf(stranger.token)).toEqual(LIVES);
    });

    it('is for those who are logged in', async () => {
      expect((await app.get('/api/auth/sessions')).status).toBe(401);
      expect((await app.delete('/api/auth/sessions')).status).toBe(401);
      expect((await app.delete(`/api/auth/sessions/${app.admin.id}`)).status).toBe(401);
    });
  });

  describe('what an administrator does', () => {
    const change = (person: Person, body: object) =>
      app.patch(`/api/users/${person.id}`, { as: app.admin, body });
    const auditStatuses = (person: Person) =>
      Promise.all([app, other].map(async (at) => (await at.get('/api/admin/audit', { as: person })).status));

    it('ends a deactivated user’s tokens at once, in every process', async () => {
      const person = await app.registers();
      expect(await statusOf(person.token)).toEqual(LIVES);
      await change(person, { isActive: false });
      expect(await statusOf(person.token)).toEqual(ENDED);
      await change(person, { isActive: true });
      expect(await statusOf(person.token)).toEqual(ENDED); // a session that ended does not come back
      expect(await statusOf((await again(person)).token)).toEqual(LIVES);
    });

    it('counts at once where the role changes, in every process', async () => {
      const person = await app.registers();
      expect(await auditStatuses(person)).toEqual([403, 403]);
      await change(person, { role: 'auditor' });
      expect(await auditStatuses(person)).toEqual([200, 200]);
      await change(person, { role: 'consumer' });
      expect(await auditStatuses(person)).toEqual([403, 403]);
    });
  });

  it('are forgotten when they have ended, with what was spent in them', async () => {
    const [ended, living] = [await app.registers(), await app.registers()];
    await refresh(ended.refreshToken);
    await refresh(living.refreshToken);
    for (const [table, whose] of [
      ['sessions', 'user_id = $1'],
      ['user_tokens', 'user_id = $1'],
    ]) {
      await asOwner(app.urls, `UPDATE ${table} SET expires_at = now() WHERE ${whose}`, [ended.id]);
    }
    await app.post('/api/auth/login', { body: { identifier: 'nobody', password: 'a wrong password' } });
    await app.post('/api/auth/wallet/challenge', { body: { walletAddress: WALLET } });
    await asOwner(app.urls, 'UPDATE login_failures SET expires_at = now()');
    await asOwner(app.urls, 'UPDATE wallet_challenges SET expires_at = now()');
    await app.nest.get(ForgettingService).forgetExpired();
    const left = (table: string) => asOwner<{ user_id: string }>(app.urls, `SELECT * FROM ${table}`);
    const owners = async (table: string) => (await left(table)).map((row) => row.user_id);
    for (const table of ['sessions', 'user_tokens']) {
      expect(await owners(table)).toContain(living.id);
      expect(await owners(table)).not.toContain(ended.id);
    }
    const spent = await asOwner(
      app.urls,
      'SELECT 1 FROM spent_refresh_tokens t LEFT JOIN sessions s ON s.id = t.session_id WHERE s.user_id IS NULL',
    );
    expect(spent).toEqual([]);
    expect(await left('login_failures')).toEqual([]);
    expect(await left('wallet_challenges')).toEqual([]);
  });

  it('end by themselves, also while they are in use', async () => {
    const person = await app.registers();
    const body = { identifier: person.email, password: person.password };
    const { accessToken } = (await app.post('/api/auth/login', { body })).body;
    await asOwner(
      app.urls,
      `UPDATE sessions SET expires_at = now() + interval '15 seconds' WHERE user_id = $1`,
      [person.id],
    );
    expect(await statusOf(accessToken)).toEqual(LIVES);
    await until(async () => String(await statusOf(accessToken)) === String(ENDED));
  });
});
