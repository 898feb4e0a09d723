import { createHmac } from 'node:crypto';
import { Client } from 'pg';
import { startApp, type Answer, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { until } from './support/eventually';

const SECRET = 'a secret of tests only, 32 characters or more';

/** Whoever waits for a lock in this database. */
const WAITING = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** A JSON Web Token of any header and claims, signed (HMAC) with any secret. */
function forge(header: object, claims: object, secret: string, hash = 'sha256'): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
}

describe('logging in', () => {
  let app: TestApp;
  let other: TestApp;
  beforeAll(async () => {
    app = await startApp();
    other = await startApp({}, app.urls);
  });
  afterAll(async () => {
    await other.close();
    await app.close();
  });

  const logsIn = (identifier: string, password: string, at = app): Promise<Answer> =>
    at.post('/api/auth/login', { body: { identifier, password } });

  it('takes e-mail address or username, in any case', async () => {
    const mali = await app.registers({ name: 'Mali' });
    for (const identifier of ['mali', 'MALI', 'mali@example.org', ' Mali@Example.ORG ']) {
      const { status, body } = await logsIn(identifier, mali.password);
      expect(status).toBe(200);
      expect(Object.keys(body).sort()).toEqual(['accessToken', 'expiresIn', 'refreshToken']);
      expect(body.expiresIn).toBe(900);
    }
  });

  it('takes a password however its accents are composed', async () => {
    const password = 'pâté de campagne';
    await app.post('/api/auth/register', {
      body: { email: 'pate@example.org', username: 'pate', password: password.normalize('NFC') },
    });
    expect((await logsIn('pate', password.normalize('NFD'))).status).toBe(200);
  });

  it('answers alike for a wrong password, an unknown name and a deactivated user', async () => {
    const person = await app.registers();
    const gone = await app.registers();
    await app.patch(`/api/users/${gone.id}`, { as: app.admin, body: { isActive: false } });
    const answers = [
      await logsIn(person.username, 'a wrong password'),
      await logsIn('nobody-of-that-name', 'a wrong password'),
      await logsIn('nobody@example.org', 'a wrong password'),
      await logsIn(gone.username, gone.password),
    ];
    const seen = answers.map(({ status, body: { requestId: _, ...body } }) => ({ status, body }));
    expect(seen[0]).toMatchObject({ status: 401, body: { code: 'INVALID_CREDENTIALS' } });
    expect(new Set(seen.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  it('takes about as long for nobody as for somebody', async () => {
    const quickest = { somebody: Infinity, nobody: Infinity };
    const isAlike = () => quickest.nobody > quickest.somebody / 3; // without the hashing it would be a tenth
    // Where the machine is busy it takes more tries until each was quick once.
    for (let round = 0; round < 10 && !isAlike(); round++) {
      const person = await app.registers(); // a fifth wrong password would lock the name
      for (let n = 0; n < 4; n++) {
        for (const [who, name] of [
          ['somebody', person.username],
          ['nobody', `nobody-${round}-${n}`],
        ] as const) {
          const started = performance.now();
          await logsIn(name, 'a wrong password');
          quickest[who] = Math.min(quickest[who], performance.now() - started);
        }
      }
    }
    expect(quickest.nobody).toBeGreaterThan(quickest.somebody / 3);
  });

  it.each([
    ['no password', { identifier: 'mali' }, 'password'],
    ['no name', { password: 'a long enough password' }, 'identifier'],
    ['a name with a control character', { identifier: 'ma\u0000li', password: 'x' }, 'identifier'],
    ['a password of no end', { identifier: 'mali', password: 'x'.repeat(129) }, 'password'],
    ['a list for a name', { identifier: ['mali'], password: 'x' }, 'identifier'],
  ])('refuses %s', async (_, body, field) => {
    const answer = await app.post('/api/auth/login', { body });
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map((error: { field: string }) => error.field)).toContain(field);
  });

  describe('five wrong passwords', () => {
    const fail = async (name: string, times: number, at = app) => {
      const statuses: number[] = [];
      for (let n = 0; n < times; n++) statuses.push((await logsIn(name, `wrong password ${n}`, at)).status);
      return statuses;
    };
    const passTime = (minutes: number) =>
      asOwner(app.urls, `UPDATE login_failures SET expires_at = expires_at - $1::interval`, [
        `${minutes} minutes`,
      ]);

    it('lock the name for 15 minutes, in every process, for the right password too', async () => {
      const person = await app.registers();
      expect(await fail(person.username, 5)).toEqual([401, 401, 401, 401, 401]);
      for (const at of [app, other]) {
        const locked = await logsIn(person.username.toUpperCase(), person.password, at);
        expect(locked).toMatchObject({ status: 429, body: { code: 'LOCKED_OUT' } });
        expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(14 * 60);
        expect(Number(locked.headers.get('retry-after'))).toBeLessThanOrEqual(15 * 60);
      }
      await passTime(14);
      expect((await logsIn(person.username, person.password)).status).toBe(429);
      await passTime(1);
      expect((await logsIn(person.username, person.password)).status).toBe(200);
      expect(await fail(person.username, 4)).toEqual([401, 401, 401, 401]); // counting began anew
    });

    it('lock a name that nobody has alike', async () => {
      expect(await fail('nobody-at-all', 6)).toEqual([401, 401, 401, 401, 401, 429]);
      const { status, body, headers } = await logsIn('nobody-at-all', 'whatever it is');
      expect({ status, code: body.code }).toEqual({ status: 429, code: 'LOCKED_OUT' });
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    });

    it('are forgiven by a right one before the fifth', async () => {
      const person = await app.registers();
      await fail(person.username, 4);
      expect((await logsIn(person.username, person.password)).status).toBe(200);
      expect(await fail(person.username, 4)).toEqual([401, 401, 401, 401]);
      expect((await logsIn(person.username, person.password)).status).toBe(200);
    });

    it('are not more than five when they are sent at once, to two processes', async () => {
      const person = await app.registers();
      const guesses = Array.from({ length: 30 }, (_, n) =>
        logsIn(person.email, `guess number ${n}`, n % 2 === 0 ? app : other),
      );
      const statuses = (await Promise.all(guesses)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 401)).toHaveLength(5);
      expect(statuses.filter((status) => status === 429)).toHaveLength(25);
    });

    it('are not counted where twenty log in rightly at once', async () => {
      const person = await app.registers();
      const logins = Array.from({ length: 20 }, () => logsIn(person.username, person.password));
      expect(new Set((await Promise.all(logins)).map(({ status }) => status))).toEqual(new Set([200]));
    });
  });

  describe('with an access token', () => {
    let person: Person;
    beforeAll(async () => {
      person = await app.registers();
    });

    const me = (token: string) => app.get('/api/users/me', { as: token });
    const claimsOf = (token: string) =>
      JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString()) as Record<
        string,
        unknown
      >;

    it('knows who asks', async () => {
      expect(await me(person.token)).toMatchObject({ status: 200, body: { id: person.id } });
      expect(Object.keys(claimsOf(person.token)).sort()).toEqual(['exp', 'iat', 'iss', 'sid', 'sub']);
    });

    it('refuses a request without one', async () => {
      const answer = await app.get('/api/users/me');
      expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    });

    it('takes a well-made one, so that the refusals below are for what is wrong with theirs', async () => {
      const made = forge({ alg: 'HS256', typ: 'JWT' }, claimsOf(person.token), SECRET);
      expect((await me(made)).status).toBe(200);
    });

    const now = () => Math.floor(Date.now() / 1000);
    it.each([
      [
        'of another user',
        (claims: object) => forge({ alg: 'HS256' }, { ...claims, sub: app.admin.id }, SECRET),
      ],
      ['signed with another secret', (claims: object) => forge({ alg: 'HS256' }, claims, `${SECRET}!`)],
      [
        'of another issuer',
        (claims: object) => forge({ alg: 'HS256' }, { ...claims, iss: 'somebody' }, SECRET),
      ],
      ['by another algorithm', (claims: object) => forge({ alg: 'HS512' }, claims, SECRET, 'sha512')],
      [
        'that has expired',
        (claims: object) => forge({ alg: 'HS256' }, { ...claims, exp: now() - 1 }, SECRET),
      ],
      [
        'that is not yet good',
        (claims: object) => forge({ alg: 'HS256' }, { ...claims, nbf: now() + 60 }, SECRET),
      ],
      [
        'without a session',
        (claims: object) => forge({ alg: 'HS256' }, { ...claims, sid: undefined }, SECRET),
      ],
      ['of alg none', (claims: object) => `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`],
      ['of alg NONE', (claims: object) => `${encode({ alg: 'NONE' })}.${encode(claims)}.`],
      ['that is rubbish', () => 'rubbish'],
    ])('refuses one %s', async (_, make) => {
      expect((await me(make(claimsOf(person.token)))).status).toBe(401);
    });

    it('refuses one that was tampered with', async () => {
      const [header, , signature] = person.token.split('.');
      const tampered = `${header}.${encode({ ...claimsOf(person.token), role: 'admin' })}.${signature}`;
      expect((await me(tampered)).status).toBe(401);
    });

    it('refuses it as anything but a bearer token', async () => {
      for (const authorization of [person.token, `Basic ${person.token}`, `Bearer ${person.token} x`]) {
        expect((await app.get('/api/users/me', { headers: { authorization } })).status).toBe(401);
      }
    });
  });

  it('keeps passwords as argon2id only', async () => {
    const person = await app.registers();
    const rows = await asOwner<{ password_hash: string }>(
      app.urls,
      'SELECT password_hash FROM users WHERE id = $1',
      [person.id],
    );
    expect(rows[0]?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it('opens no session by a password that is changed while it is looked at', async () => {
    const person = await app.registers();
    const owner = new Client({ connectionString: app.urls.ownerUrl });
    await owner.connect();
    await owner.query('BEGIN');
    await owner.query(`UPDATE users SET password_hash = 'another' WHERE id = $1`, [person.id]);
    const login = logsIn(person.username, person.password);
    await until(async () => (await asOwner(app.urls, WAITING)).length > 0);
    await owner.query('COMMIT');
    await owner.end();
    expect((await login).status).toBe(401);
    expect(await asOwner(app.urls, 'SELECT id FROM sessions WHERE user_id = $1', [person.id])).toHaveLength(
      1,
    );
  });
});
