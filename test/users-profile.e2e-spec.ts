import { UsersService } from '../src/users/users.service';
import { startApp, type Person, type TestApp } from './support/app';
import { asOwner, untilBlockedBy } from './support/database';
import { expectBooksToBalance, givesEnergy } from './support/market';
import { mailTo, tokenSentTo, untilJobsAreDone } from './support/mailbox';

describe('the own account', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  const me = async (as: Person) => (await app.get('/api/users/me', { as })).body;
  const change = (as: Person | undefined, body: unknown) =>
    app.patch('/api/users/me', { as, body, headers: { 'content-type': 'application/json' } });
  const close = (as: Person | undefined, body?: object) => app.delete('/api/users/me', { as, body });
  const age = (person: Person, minutes: number) =>
    asOwner(app.urls, 'UPDATE sessions SET created_at = created_at - $2::interval WHERE user_id = $1', [
      person.id,
      `${minutes} minutes`,
    ]);
  const verified = async () => {
    const person = await app.registers();
    const token = await tokenSentTo(app, person.email, /^Verify/);
    await app.post('/api/auth/verify-email', { body: { token } });
    return person;
  };

  it('is for those who are logged in', async () => {
    expect((await app.get('/api/users/me')).status).toBe(401);
    expect((await change(undefined, { firstName: 'Mali' })).status).toBe(401);
    expect((await close(undefined)).status).toBe(401);
  });

  describe('changed', () => {
    it('has another name at once, and none where it is taken away', async () => {
      const person = await app.registers();
      expect((await me(person)).firstName).toBeNull();
      const changed = await change(person, { firstName: ' Mali ', lastName: 'Suwan' });
      expect(changed).toMatchObject({
        status: 200,
        body: { id: person.id, firstName: 'Mali', lastName: 'Suwan' },
      });
      expect(await me(person)).toEqual(changed.body);
      await change(person, { lastName: null });
      expect(await me(person)).toMatchObject({ firstName: 'Mali', lastName: null });
    });

    it('has another username, unless somebody else has it', async () => {
      const [person, other] = [await app.registers(), await app.registers()];
      expect((await change(person, { username: 'Somchai' })).body.username).toBe('Somchai');
      expect((await app.logsIn('somchai', person.password)).id).toBe(person.id);
      expect((await change(person, { username: 'SOMCHAI' })).status).toBe(200);
      expect(await change(other, { username: 'somchai' })).toMatchObject({
        status: 409,
        body: { code: 'USERNAME_TAKEN' },
      });
    });

    it('has to verify another e-mail address, and the old one is told', async () => {
      const person = await verified();
      const email = `moved-${person.email}`;
      expect(await change(person, { email })).toMatchObject({
        status: 200,
        body: { email, emailVerified: false },
      });
      expect((await me(person)).emailVerified).toBe(false);
      expect((await mailTo(app, person.email, /address was changed/)).text).not.toContain(email);
      const token = await tokenSentTo(app, email, /^Verify/);
      expect((await app.post('/api/auth/verify-email', { body: { token } })).status).toBe(204);
      expect((await me(person)).emailVerified).toBe(true);
    });

    it('stays verified where only the case of the address changes', async () => {
      const person = await verified();
      const email = person.email.toUpperCase();
      expect((await change(person, { email })).body).toMatchObject({ email, emailVerified: true });
    });

    it('is not verified by a token that went to the address before', async () => {
      const person = await app.registers();
      const token = await tokenSentTo(app, person.email, /^Verify/);
      await change(person, { email: `moved-${person.email}` });
      expect((await app.post('/api/auth/verify-email', { body: { token } })).status).toBe(422);
    });

    it('does not get somebody else’s address', async () => {
      const [person, other] = [await app.registers(), await app.registers()];
      const answer = await change(person, { email: other.email.toUpperCase() });
      expect(answer).toMatchObject({ status: 409, body: { code: 'EMAIL_TAKEN' } });
    });

    it('gets another address by a log-in of the last ten minutes, or the password', async () => {
      const person = await app.registers();
      const email = `moved-${person.email}`;
      await age(person, 10);
      expect((await change(person, { email: person.email, firstName: 'Mali' })).status).toBe(200);
      expect(await change(person, { email })).toMatchObject({
        status: 403,
        body: { code: 'REAUTHENTICATION_REQUIRED' },
      });
      expect(await change(person, { email, currentPassword: 'wrong' })).toMatchObject({
        status: 403,
        body: { code: 'WRONG_PASSWORD' },
      });
      expect((await me(person)).email).toBe(person.email);
      expect((await change(person, { email, currentPassword: person.password })).status).toBe(200);
    });

    it.each([
      ['role', { role: 'admin' }],
      ['isActive', { isActive: false }],
      ['emailVerified', { emailVerified: true }],
      ['organizationId', { organizationId: null }],
      ['walletAddress', { walletAddress: null }],
      ['passwordHash', { passwordHash: 'x' }],
      ['id', { id: '0190d3c2-7f00-7000-8000-000000000000' }],
    ])('does not take %s', async (_, body) => {
      const person = await app.registers();
      const before = await me(person);
      expect((await change(person, { firstName: 'Mali', ...body })).status).toBe(400);
      expect(await me(person)).toEqual(before);
    });

    it.each([
      ['an empty name', { firstName: '' }],
      ['a name of no end', { lastName: 'x'.repeat(101) }],
      ['a name with a control character', { firstName: 'Ma\u0000li' }],
      ['a wrong address', { email: 'nowhere' }],
      ['a wrong username', { username: 'a b' }],
      ['a list', []],
      ['a string', '"x"'],
    ])('does not take %s', async (_, body) => {
      const person = await app.registers();
      expect((await change(person, body)).status).toBe(400);
    });
  });

  describe('closed', () => {
    it('holds nothing personal, and nobody comes in by it again', async () => {
      const person = await app.registers();
      await change(person, { firstName: 'Mali', lastName: 'Suwan' });
      const elsewhere = await app.logsIn(person.email, person.password);
      expect((await close(person)).status).toBe(204);
      for (const { token, refreshToken } of [person, elsewhere]) {
        expect((await app.get('/api/users/me', { as: token })).status).toBe(401);
        expect((await app.post('/api/auth/refresh', { body: { refreshToken } })).status).toBe(401);
      }
      const body = { identifier: person.email, password: person.password };
      expect((await app.post('/api/auth/login', { body })).status).toBe(401);
      const { body: left } = await app.get(`/api/users/${person.id}`, { as: app.admin });
      expect(left).toMatchObject({
        id: person.id,
        firstName: null,
        lastName: null,
        walletAddress: null,
        organizationId: null,
        emailVerified: false,
        isActive: false,
        closedAt: expect.any(String),
      });
      const rows = await asOwner<{ text: string }>(
        app.urls,
        'SELECT u::text AS text FROM users u WHERE id = $1',
        [person.id],
      );
      for (const gone of [person.email, person.username, 'Mali', 'Suwan', 'argon2'])
        expect(rows[0]?.text).not.toContain(gone);
      await mailTo(app, person.email, /^Your account was closed$/);
    });

    it('gives its names free', async () => {
      const person = await app.registers();
      await close(person);
      const { email, username, password } = person;
      const again = await app.post('/api/auth/register', { body: { email, username, password } });
      expect(again.status).toBe(201);
      expect(again.body.id).not.toBe(person.id);
    });

    it('is not mailed to, reset, or opened again', async () => {
      const person = await app.registers();
      await app.post('/api/auth/password/forgot', { body: { email: person.email } });
      const token = await tokenSentTo(app, person.email, /^Reset/);
      await close(person);
      const reset = await app.post('/api/auth/password/reset', {
        body: { token, password: 'another long password' },
      });
      expect(reset.status).toBe(422);
      const opened = await app.patch(`/api/users/${person.id}`, { as: app.admin, body: { isActive: true } });
      expect(opened).toMatchObject({ status: 409, body: { code: 'ACCOUNT_CLOSED' } });
      await untilJobsAreDone(app);
    });

    it('is audited', async () => {
      const person = await app.registers();
      await close(person);
      const { body } = await app.get('/api/admin/audit?action=user.closed', { as: app.admin });
      expect(body.items[0]).toMatchObject({ userId: person.id, entity: 'users', entityId: person.id });
    });

    it('was so by a log-in of the last ten minutes, or the password', async () => {
      const person = await app.registers();
      await age(person, 10);
      expect(await close(person)).toMatchObject({ status: 403, body: { code: 'REAUTHENTICATION_REQUIRED' } });
      expect(await close(person, { currentPassword: 'wrong' })).toMatchObject({
        status: 403,
        body: { code: 'WRONG_PASSWORD' },
      });
      expect((await close(person, { force: true })).status).toBe(400);
      expect((await close(person, { currentPassword: person.password })).status).toBe(204);
    });

    it('is not the last administrator’s', async () => {
      expect(await close(app.admin)).toMatchObject({ status: 409, body: { code: 'LAST_ADMIN' } });
      const second = await app.registers({ role: 'admin' });
      expect((await close(second)).status).toBe(204);
    });

    it('is not one whose business is open; what is left on it stays on the books', async () => {
      const person = await app.registers();
      await givesEnergy(app, person, '12.5');
      const body = {
        energySource: 'solar',
        amountKwh: '5.000',
        pricePerKwh: '4.000000',
        availableFrom: new Date().toISOString(),
        availableUntil: new Date(Date.now() + 3_600_000).toISOString(),
      };
      const offer = await app.post('/api/offers', { as: person, body });
      expect(offer.status).toBe(201);
      const refused = await close(person);
      expect(refused).toMatchObject({ status: 409, body: { code: 'ACCOUNT_IN_USE' } });
      expect((await me(person)).email).toBe(person.email);
      await app.delete(`/api/offers/${offer.body.id}`, { as: person });
      expect((await close(person)).status).toBe(204);
      await expectBooksToBalance(app);
      const left = await asOwner(
        app.urls,
        'SELECT balance FROM ledger_accounts WHERE user_id = $1 AND balance > 0',
        [person.id],
      );
      expect(left).toEqual([{ balance: '12500' }]);
    });
  });

  describe('of somebody who is to receive something', () => {
    const receiver = (id: string) =>
      app.database.transaction((tx) => app.nest.get(UsersService).requireActive(tx, id));

    it('is there while it is active', async () => {
      const person = await app.registers({ role: 'consumer' });
      expect(await receiver(person.id)).toEqual({ id: person.id, role: 'consumer', walletAddress: null });
      await app.patch(`/api/users/${person.id}`, { as: app.admin, body: { isActive: false } });
      await expect(receiver(person.id)).rejects.toMatchObject({ code: 'USER_NOT_FOUND' });
      await expect(receiver('0190d3c2-7f00-7000-8000-000000000000')).rejects.toMatchObject({
        code: 'USER_NOT_FOUND',
      });
    });

    it('is not closed before the receiving is done', async () => {
      const person = await app.registers();
      let closing: Promise<{ status: number }> | undefined;
      await app.database.transaction(async (tx) => {
        await app.nest.get(UsersService).requireActive(tx, person.id);
        const [own] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        closing = close(person);
        await untilBlockedBy(app.urls, own?.pid as number);
        expect((await me(person)).email).toBe(person.email);
        expect(await app.nest.get(UsersService).walletOf(tx, person.id)).toBeNull();
      });
      expect((await closing)?.status).toBe(204);
    });
  });
});
