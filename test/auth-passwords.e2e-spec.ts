import { startApp, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { mailsOf, mailTo, tokenSentTo, untilJobsAreDone } from './support/mailbox';

const NEW = 'another long password';
const RESET = /^Reset your password$/;

describe('passwords', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ PUBLIC_URL: 'https://market.example.org' });
  });
  afterAll(() => app.close());

  const forgets = (email: string) => app.post('/api/auth/password/forgot', { body: { email } });
  const resets = (token: string, password = NEW) =>
    app.post('/api/auth/password/reset', { body: { token, password } });
  const login = async (person: Person, password: string) =>
    (await app.post('/api/auth/login', { body: { identifier: person.email, password } })).status;
  const lives = async (token: string) => (await app.get('/api/users/me', { as: token })).status === 200;
  const passTime = (person: Person, interval: string) =>
    asOwner(
      app.urls,
      `UPDATE user_tokens SET created_at = created_at - $2::interval, expires_at = expires_at - $2::interval WHERE user_id = $1`,
      [person.id, interval],
    );

  async function tokenFor(person: Person): Promise<string> {
    await forgets(person.email);
    return tokenSentTo(app, person.email, RESET);
  }

  describe('that are forgotten', () => {
    it('are replaced by a token that is mailed; every session ends, the address is proved', async () => {
      const person = await app.registers();
      expect((await forgets(person.email.toUpperCase())).status).toBe(202);
      const mail = await mailTo(app, person.email, RESET);
      expect(mail.text).toContain(`https://market.example.org/reset-password#token=${mail.token}\n`);
      expect((await resets(mail.token as string)).status).toBe(204);
      expect(await lives(person.token)).toBe(false);
      expect(
        (await app.post('/api/auth/refresh', { body: { refreshToken: person.refreshToken } })).status,
      ).toBe(401);
      expect(await login(person, person.password)).toBe(401);
      const back = await app.logsIn(person.email, NEW);
      expect((await app.get('/api/users/me', { as: back })).body.emailVerified).toBe(true);
      expect((await mailTo(app, person.email, /^Your password was changed$/)).token).toBeUndefined();
    });

    it('are replaced once by one token, of many attempts at once too', async () => {
      const person = await app.registers();
      const token = await tokenFor(person);
      const attempts = Array.from({ length: 5 }, (_, n) => resets(token, `${NEW} ${n}`));
      const statuses = (await Promise.all(attempts)).map(({ status }) => status).sort();
      expect(statuses).toEqual([204, 422, 422, 422, 422]);
      expect(await resets(token)).toMatchObject({ status: 422, body: { code: 'INVALID_TOKEN' } });
    });

    it('are replaced within an hour', async () => {
      const [early, late] = [await app.registers(), await app.registers()];
      const [earlyToken, lateToken] = [await tokenFor(early), await tokenFor(late)];
      await passTime(early, '59 minutes');
      await passTime(late, '60 minutes');
      expect((await resets(earlyToken)).status).toBe(204);
      expect((await resets(lateToken)).status).toBe(422);
      expect(await login(late, late.password)).toBe(200);
    });

    it('are answered alike, whether or not somebody has the address', async () => {
      const [person, gone] = [await app.registers(), await app.registers()];
      await app.patch(`/api/users/${gone.id}`, { as: app.admin, body: { isActive: false } });
      await untilJobsAreDone(app);
      const before = mailsOf(app).length;
      const answers = [
        await forgets(person.email),
        await forgets('nobody@example.org'),
        await forgets(gone.email),
      ];
      for (const { status, body } of answers) expect({ status, body }).toEqual({ status: 202, body: '' });
      await untilJobsAreDone(app);
      expect(
        mailsOf(app)
          .slice(before)
          .map(({ to }) => to),
      ).toEqual([person.email]);
    });

    it('are mailed about once a minute, and the older token is good no more', async () => {
      const person = await app.registers();
      const first = await tokenFor(person);
      await forgets(person.email);
      await untilJobsAreDone(app);
      expect(await tokenSentTo(app, person.email, RESET)).toBe(first);
      await passTime(person, '1 minute');
      await forgets(person.email);
      await untilJobsAreDone(app);
      const second = await tokenSentTo(app, person.email, RESET);
      expect((await resets(first)).status).toBe(422);
      expect((await resets(second)).status).toBe(204);
    });

    it('end a lock-out when they are replaced', async () => {
      const person = await app.registers();
      for (let n = 0; n < 5; n++) await login(person, 'a wrong password');
      expect(await login(person, person.password)).toBe(429);
      await resets(await tokenFor(person));
      expect(await login(person, NEW)).toBe(200);
    });

    it('are not replaced for an address that is another one by now, nor for who is deactivated', async () => {
      const [moved, gone] = [await app.registers(), await app.registers()];
      const [movedToken, goneToken] = [await tokenFor(moved), await tokenFor(gone)];
      await app.patch('/api/users/me', { as: moved, body: { email: `new-${moved.email}` } });
      await app.patch(`/api/users/${gone.id}`, { as: app.admin, body: { isActive: false } });
      expect((await resets(movedToken)).status).toBe(422);
      expect((await resets(goneToken)).status).toBe(422);
    });

    it('are not replaced by what is malformed', async () => {
      const person = await app.registers();
      const token = await tokenFor(person);
      expect((await resets(token, 'too short')).status).toBe(400);
      expect((await resets('')).status).toBe(400);
      expect((await resets('made-up')).status).toBe(422);
      expect((await forgets('no address')).status).toBe(400);
      expect(
        (await app.post('/api/auth/password/forgot', { body: { email: person.email, token } })).status,
      ).toBe(400);
      expect((await resets(token)).status).toBe(204); // none of these used it up
    });

    it('leave no token in the database that would work', async () => {
      const person = await app.registers();
      const token = await tokenFor(person);
      const dump = await asOwner<{ text: string }>(
        app.urls,
        `SELECT t::text AS text FROM user_tokens t UNION ALL SELECT data::text FROM pgboss.job`,
      );
      expect(dump.length).toBeGreaterThan(1);
      expect(dump.filter(({ text }) => text.includes(token))).toEqual([]);
    });
  });

  describe('that are known', () => {
    const changes = (as: Person | undefined, body: object) =>
      app.post('/api/auth/password/change', { as, body });

    it('are changed; all other sessions end', async () => {
      const person = await app.registers();
      const elsewhere = await app.logsIn(person.email, person.password);
      expect((await changes(person, { currentPassword: person.password, newPassword: NEW })).status).toBe(
        204,
      );
      expect(await lives(person.token)).toBe(true);
      expect(await lives(elsewhere.token)).toBe(false);
      expect(await login(person, person.password)).toBe(401);
      expect(await login(person, NEW)).toBe(200);
      await mailTo(app, person.email, /^Your password was changed$/);
    });

    it('are not changed without the current one, and guesses are counted', async () => {
      const person = await app.registers();
      const guess = async () =>
        (await changes(person, { currentPassword: 'a wrong one', newPassword: NEW })).status;
      expect([await guess(), await guess(), await guess(), await guess(), await guess()]).toEqual([
        403, 403, 403, 403, 403,
      ]);
      const locked = await changes(person, { currentPassword: person.password, newPassword: NEW });
      expect(locked).toMatchObject({ status: 429, body: { code: 'LOCKED_OUT' } });
      expect(await login(person, person.password)).toBe(200); // whoever has the token cannot lock the owner out
    });

    it('are changed by one of two at once', async () => {
      const person = await app.registers();
      const both = await Promise.all(
        ['first', 'second'].map((word) =>
          changes(person, { currentPassword: person.password, newPassword: `${NEW} ${word}` }),
        ),
      );
      expect(both.map(({ status }) => status).sort()).toEqual([204, 403]);
    });

    it('make a token that was mailed before worthless', async () => {
      const person = await app.registers();
      const token = await tokenFor(person);
      await changes(person, { currentPassword: person.password, newPassword: NEW });
      expect((await resets(token)).status).toBe(422);
    });

    it('are changed by who is logged in, to something long enough', async () => {
      const person = await app.registers();
      const body = { currentPassword: person.password, newPassword: NEW };
      expect((await changes(undefined, body)).status).toBe(401);
      expect((await changes(person, { ...body, newPassword: 'short' })).status).toBe(400);
      expect((await changes(person, { newPassword: NEW })).status).toBe(400);
      expect((await changes(person, { ...body, userId: app.admin.id })).status).toBe(400);
    });
  });
});
