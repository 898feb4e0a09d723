import { startApp, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { mailsOf, mailTo, tokenSentTo, untilJobsAreDone } from './support/mailbox';

const PASSWORD = 'a long enough password';
const VERIFY = /^Verify your e-mail address$/;

describe('registering', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ PUBLIC_URL: 'https://market.example.org/energy' });
  });
  afterAll(() => app.close());

  const register = (body: object) => app.post('/api/auth/register', { body });
  const mali = { email: 'Mali@example.org', username: 'Mali', password: PASSWORD };

  it('opens an account, as a consumer unless prosumer is asked for', async () => {
    const { status, body } = await register(mali);
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      email: 'Mali@example.org',
      username: 'Mali',
      role: 'consumer',
      organizationId: null,
      firstName: null,
      lastName: null,
      walletAddress: null,
      emailVerified: false,
      isActive: true,
      closedAt: null,
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const prosumer = await register({ ...mali, email: 'p@example.org', username: 'panel', role: 'prosumer' });
    expect(prosumer).toMatchObject({ status: 201, body: { role: 'prosumer' } });
  });

  it('gives an e-mail address and a username once, whatever their case', async () => {
    await register({ ...mali, email: 'once@example.org', username: 'once' });
    const email = await register({ ...mali, email: 'ONCE@example.org', username: 'twice' });
    expect(email).toMatchObject({ status: 409, body: { code: 'EMAIL_TAKEN' } });
    const username = await register({ ...mali, email: 'twice@example.org', username: 'OnCe' });
    expect(username).toMatchObject({ status: 409, body: { code: 'USERNAME_TAKEN' } });
  });

  it('gives them to one of many who ask at once', async () => {
    const asked = Array.from({ length: 8 }, () =>
      register({ ...mali, email: 'race@example.org', username: 'race' }),
    );
    const statuses = (await Promise.all(asked)).map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array<number>(7).fill(409)]);
  });

  it.each([
    ['role', { role: 'admin' }],
    ['role', { role: 'operator' }],
    ['role', { role: 'auditor' }],
    ['role', { role: 'corporate' }],
    ['', { isAdmin: true }],
    ['', { emailVerified: true }],
    ['', { isActive: true }],
    ['', { organizationId: '0190d3c2-7f00-7000-8000-000000000000' }],
    ['', { id: '0190d3c2-7f00-7000-8000-000000000000' }],
    ['', { passwordHash: 'x' }],
    ['email', { email: 'no address' }],
    ['email', { email: 'two@example.org,three@example.org' }],
    ['email', { email: 'line@example.org\r\nBcc: all@example.org' }],
    ['email', { email: `${'x'.repeat(250)}@example.org` }],
    ['username', { username: 'ab' }],
    ['username', { username: 'with space' }],
    ['username', { username: 'an@address' }],
    ['username', { username: 'x'.repeat(33) }],
    ['username', { username: '' }],
    ['password', { password: 'too short' }],
    ['password', { password: 'x'.repeat(129) }],
    ['password', { password: 1_234_567_890 }],
  ])('refuses a wrong %s: %j', async (field, wrong) => {
    const { status, body } = await register({
      email: 'new@example.org',
      username: 'newcomer',
      password: PASSWORD,
      ...wrong,
    });
    expect(status).toBe(400);
    expect(body.code).toBe('INVALID_INPUT');
    expect(body.errors.map((error: { field: string }) => error.field)).toContain(field);
  });

  it('names every wrong field at once', async () => {
    const { body } = await register({ email: 'x', username: 'x', password: 'x' });
    expect(body.errors.map((error: { field: string }) => error.field).sort()).toEqual([
      'email',
      'password',
      'username',
    ]);
  });

  it('writes nothing of what it refuses', async () => {
    expect(await asOwner(app.urls, `SELECT id FROM users WHERE email LIKE 'new@%'`)).toEqual([]);
  });

  it('never shows a password or its hash', async () => {
    const person = await app.registers();
    const answers = [
      await app.get('/api/users/me', { as: person }),
      await app.get(`/api/users/${person.id}`, { as: app.admin }),
      await app.get('/api/users', { as: app.admin }),
    ];
    for (const { body } of answers) expect(JSON.stringify(body)).not.toMatch(/password|argon2/i);
  });

  describe('verification of the address', () => {
    const verify = (token: string) => app.post('/api/auth/verify-email', { body: { token } });
    const resend = (body?: object, as?: string) => app.post('/api/auth/resend-verification', { body, as });
    const passTime = (interval: string) =>
      asOwner(
        app.urls,
        'UPDATE user_tokens SET created_at = created_at - $1::interval, expires_at = expires_at - $1::interval',
        [interval],
      );

    it('is by a token that is mailed, once', async () => {
      const person = await app.registers();
      const mail = await mailTo(app, person.email, VERIFY);
      expect(mail.text).toContain(`https://market.example.org/energy/verify-email#token=${mail.token}\n`);
      expect((await app.get('/api/users/me', { as: person })).body.emailVerified).toBe(false);
      expect((await verify(mail.token as string)).status).toBe(204);
      expect((await app.get('/api/users/me', { as: person })).body.emailVerified).toBe(true);
      expect(await verify(mail.token as string)).toMatchObject({
        status: 422,
        body: { code: 'INVALID_TOKEN' },
      });
    });

    it('succeeds once of many attempts at once', async () => {
      const person = await app.registers();
      const token = await tokenSentTo(app, person.email, VERIFY);
      const statuses = (await Promise.all(Array.from({ length: 6 }, () => verify(token)))).map(
        ({ status }) => status,
      );
      expect(statuses.sort()).toEqual([204, 422, 422, 422, 422, 422]);
    });

    it('is possible for 24 hours', async () => {
      const person = await app.registers();
      const token = await tokenSentTo(app, person.email, VERIFY);
      await passTime('23 hours 59 minutes');
      const late = await app.registers();
      const lateToken = await tokenSentTo(app, late.email, VERIFY);
      expect((await verify(token)).status).toBe(204);
      await passTime('24 hours');
      expect((await verify(lateToken)).status).toBe(422);
    });

    it('refuses what was made up, and tokens of another kind', async () => {
      const person = await app.registers();
      await app.post('/api/auth/password/forgot', { body: { email: person.email } });
      const reset = await tokenSentTo(app, person.email, /^Reset/);
      expect((await verify(reset)).status).toBe(422);
      expect((await verify('made-up')).status).toBe(422);
      expect((await verify('')).status).toBe(400);
    });

    it('is mailed again to whoever asks, at most once a minute, and the older token is good no more', async () => {
      const person = await app.registers();
      const first = await tokenSentTo(app, person.email, VERIFY);
      expect((await resend(undefined, person.token)).status).toBe(202);
      await untilJobsAreDone(app);
      expect(await tokenSentTo(app, person.email, VERIFY)).toBe(first);
      await passTime('1 minute');
      expect((await resend({}, person.token)).status).toBe(202);
      await untilJobsAreDone(app);
      const second = await tokenSentTo(app, person.email, VERIFY);
      expect(second).not.toBe(first);
      expect((await verify(first)).status).toBe(422);
      expect((await verify(second)).status).toBe(204);
    });

    it('never tells whether somebody has an address', async () => {
      const person = await app.registers();
      await tokenSentTo(app, person.email, VERIFY);
      await passTime('1 minute');
      const before = mailsOf(app).length;
      const answers = [
        await resend({ email: person.email.toUpperCase() }),
        await resend({ email: 'nobody@example.org' }),
      ];
      for (const { status, body } of answers) expect({ status, body }).toEqual({ status: 202, body: '' });
      await untilJobsAreDone(app);
      expect(mailsOf(app)).toHaveLength(before + 1);
    });

    it('is not mailed to who has verified already', async () => {
      const person = await app.registers();
      await verify(await tokenSentTo(app, person.email, VERIFY));
      const before = mailsOf(app).length;
      expect((await resend(undefined, person.token)).status).toBe(202);
      expect((await resend({ email: person.email })).status).toBe(202);
      await untilJobsAreDone(app);
      expect(mailsOf(app)).toHaveLength(before);
    });

    it('wants an address or a log-in', async () => {
      expect((await resend()).status).toBe(400);
      expect((await resend({ email: 'no address' })).status).toBe(400);
      expect((await resend({ email: 'a@example.org', role: 'admin' })).status).toBe(400);
    });
  });
});
