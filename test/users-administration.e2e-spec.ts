import { startApp, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';

const NOBODY = '0190d3c2-7f00-7000-8000-000000000000';

describe('administration', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  const change = (id: string, body: object, as = app.admin) => app.patch(`/api/users/${id}`, { as, body });
  const lastAudit = async (action: string) =>
    (await app.get(`/api/admin/audit?action=${action}&limit=1`, { as: app.admin })).body.items[0];

  it.each([
    ['GET', '/api/users'],
    ['GET', `/api/users/${NOBODY}`],
    ['PATCH', `/api/users/${NOBODY}`],
    ['PUT', `/api/users/${NOBODY}/organization`],
    ['GET', '/api/organizations'],
    ['POST', '/api/organizations'],
  ])('%s %s is for administrators only', async (method, path) => {
    const body = method === 'GET' ? undefined : {};
    expect((await app.request(method, path, { body })).status).toBe(401);
    for (const role of ['consumer', 'prosumer', 'corporate', 'operator', 'auditor'] as const) {
      const as = await personOf(role);
      expect(await app.request(method, path, { as, body })).toMatchObject({
        status: 403,
        body: { code: 'FORBIDDEN' },
      });
    }
  });

  const people = new Map<string, Promise<Person>>();
  function personOf(role: 'consumer' | 'prosumer' | 'corporate' | 'operator' | 'auditor'): Promise<Person> {
    const person = people.get(role) ?? app.registers({ role });
    people.set(role, person);
    return person;
  }

  describe('of a user', () => {
    it('shows one, and says when there is none', async () => {
      const person = await app.registers();
      const { status, body } = await app.get(`/api/users/${person.id}`, { as: app.admin });
      expect({ status, id: body.id, email: body.email }).toEqual({
        status: 200,
        id: person.id,
        email: person.email,
      });
      expect(await app.get(`/api/users/${NOBODY}`, { as: app.admin })).toMatchObject({
        status: 404,
        body: { code: 'USER_NOT_FOUND' },
      });
      expect((await app.get('/api/users/not-an-id', { as: app.admin })).status).toBe(400);
    });

    it('changes what is asked for, leaves the rest, and records both', async () => {
      const person = await app.registers();
      const { status, body } = await change(person.id, {
        role: 'operator',
        emailVerified: true,
        lastName: 'Suwan',
      });
      expect(status).toBe(200);
      expect(body).toMatchObject({
        role: 'operator',
        emailVerified: true,
        firstName: null,
        lastName: 'Suwan',
        isActive: true,
      });
      expect((await app.get('/api/users/me', { as: person })).body).toEqual(body);
      expect(await lastAudit('user.changed')).toMatchObject({
        userId: app.admin.id,
        entity: 'users',
        entityId: person.id,
        before: { role: 'prosumer', emailVerified: false, lastName: null },
        after: { role: 'operator', emailVerified: true, lastName: 'Suwan' },
      });
    });

    it('records a deactivation, and nothing where nothing changed', async () => {
      const person = await app.registers();
      await change(person.id, { isActive: false });
      const record = await lastAudit('user.changed');
      expect(record).toMatchObject({
        entityId: person.id,
        before: { isActive: true },
        after: { isActive: false },
      });
      await change(person.id, { isActive: false });
      expect((await lastAudit('user.changed')).id).toBe(record.id);
    });

    it.each([
      ['a role that is none', { role: 'god' }],
      ['a password', { password: 'a long enough password' }],
      ['an e-mail address', { email: 'x@example.org' }],
      ['a wallet', { walletAddress: null }],
      ['the end of the account', { closedAt: null }],
      ['a word for yes', { isActive: 'yes' }],
    ])('does not take %s', async (_, body) => {
      expect((await change(app.admin.id, body)).status).toBe(400);
    });

    it('says when there is none to change', async () => {
      expect((await change(NOBODY, { role: 'operator' })).status).toBe(404);
    });
  });

  describe('of administrators', () => {
    it('keeps the last one', async () => {
      for (const body of [{ role: 'operator' }, { isActive: false }]) {
        expect(await change(app.admin.id, body)).toMatchObject({ status: 409, body: { code: 'LAST_ADMIN' } });
      }
      expect((await change(app.admin.id, { role: 'admin', firstName: 'Ada' })).status).toBe(200);
    });

    it('keeps one of two who demote each other at the same time', async () => {
      for (let round = 0; round < 5; round++) {
        const second = await app.registers({ role: 'admin' });
        const answers = await Promise.all([
          change(second.id, { role: 'operator' }, app.admin),
          change(app.admin.id, { isActive: false }, second),
        ]);
        const statuses = answers.map(({ status }) => status);
        expect(statuses.filter((status) => status === 200)).toHaveLength(1);
        const left = await asOwner(app.urls, `SELECT id FROM users WHERE role = 'admin' AND is_active`);
        expect(left).toHaveLength(1);
        if (statuses[1] === 200) {
          await change(app.admin.id, { isActive: true }, second);
          app.admin = await app.logsIn(app.admin.email, app.admin.password);
          await change(second.id, { role: 'consumer' });
        }
      }
    });

    it('does not count one who is deactivated', async () => {
      const second = await app.registers({ role: 'admin' });
      await change(second.id, { isActive: false });
      expect((await change(app.admin.id, { role: 'operator' })).status).toBe(409);
    });
  });

  describe('of the list', () => {
    let crowd: Person[];
    beforeAll(async () => {
      crowd = [];
      for (const name of ['anong.k', 'boonmee', 'chai_50', 'dao-100'])
        crowd.push(await app.registers({ name, role: 'consumer' }));
      const [anong, boonmee, , dao] = crowd as [Person, Person, Person, Person];
      await change(anong.id, { firstName: 'Anong', lastName: 'Kittisak', emailVerified: true });
      await change(boonmee.id, { firstName: '100%', lastName: 'Boon\\mee', role: 'corporate' });
      await change(dao.id, { role: 'corporate', emailVerified: true });
    });

    const list = async (query: string) => {
      const { status, body } = await app.get(`/api/users?limit=200&${query}`, { as: app.admin });
      expect(status).toBe(200);
      return body.items as {
        id: string;
        username: string;
        role: string;
        emailVerified: boolean;
        closedAt: string | null;
      }[];
    };
    const named = async (search: string) =>
      (await list(`search=${encodeURIComponent(search)}`)).map(({ username }) => username).sort();

    it('is everybody, newest first, page by page', async () => {
      const all = (await list('')).map(({ id }) => id);
      const expected = await asOwner<{ id: string }>(
        app.urls,
        'SELECT id FROM users ORDER BY created_at DESC, id DESC',
      );
      expect(all).toEqual(expected.map(({ id }) => id));
      const paged: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const { body }: { body: any } = await app.get(`/api/users?limit=3${cursor && `&cursor=${cursor}`}`, {
          as: app.admin,
        });
        expect(body.items.length).toBeLessThanOrEqual(3);
        paged.push(...body.items.map(({ id }: { id: string }) => id));
        cursor = body.nextCursor;
      }
      expect(paged).toEqual(all);
    });

    it('is by role, by verification, or both', async () => {
      expect(new Set((await list('role=corporate')).map(({ role }) => role))).toEqual(new Set(['corporate']));
      expect((await list('role=corporate&search=boonmee')).map(({ username }) => username)).toEqual([
        'boonmee',
      ]);
      expect((await list('emailVerified=true')).every(({ emailVerified }) => emailVerified)).toBe(true);
      expect((await list('emailVerified=false')).some(({ emailVerified }) => emailVerified)).toBe(false);
      expect((await list('role=corporate&emailVerified=true')).map(({ username }) => username)).toEqual([
        'dao-100',
      ]);
      expect(
        (await list('role=corporate&emailVerified=false&search=boon')).map(({ username }) => username),
      ).toEqual(['boonmee']);
    });

    it('of those who have yet to verify leaves out closed accounts', async () => {
      const gone = await app.registers();
      await app.delete('/api/users/me', { as: gone });
      expect((await list('emailVerified=false')).map(({ id }) => id)).not.toContain(gone.id);
      expect((await list('')).find(({ id }) => id === gone.id)?.closedAt).toEqual(expect.any(String));
    });

    it('is searched by a part of address, username or name, in any case', async () => {
      expect(await named('NONG')).toEqual(['anong.k']);
      expect(await named('kittisak')).toEqual(['anong.k']);
      expect(await named('boonmee@example')).toEqual(['boonmee']);
      expect(await named('nobody has this')).toEqual([]);
    });

    it('is searched by beginnings where one or two characters are given', async () => {
      expect(await named('bo')).toEqual(['boonmee']);
      expect(await named('ki')).toEqual(['anong.k']); // the last name
      expect(await named('on')).toEqual([]); // within words only
    });

    it('takes what means something to LIKE as it is', async () => {
      expect(await named('chai_50')).toEqual(['chai_50']);
      expect(await named('i_5')).toEqual(['chai_50']);
      expect(await named('o_1')).toEqual([]); // not dao-100
      expect(await named('100%')).toEqual(['boonmee']);
      expect(await named('%%%')).toEqual([]);
      expect(await named('n\\m')).toEqual(['boonmee']);
      expect(await named("'; DROP TABLE users; --")).toEqual([]);
    });

    it.each([
      'role=god',
      'emailVerified=maybe',
      'limit=0',
      'limit=201',
      'limit=x',
      'cursor=x',
      'search=',
      'sort=email',
      `search=${'x'.repeat(101)}`,
      'search=a%00b',
    ])('refuses ?%s', async (query) => {
      expect(await app.get(`/api/users?${query}`, { as: app.admin })).toMatchObject({
        status: 400,
        body: { code: 'INVALID_INPUT' },
      });
    });

    it('is served by its indexes', async () => {
      await asOwner(
        app.urls,
        `INSERT INTO users (id, email, username, password_hash, role, email_verified, is_active, created_at)
         SELECT gen_random_uuid(), 'crowd' || n || '@example.net', 'crowd' || n, 'x', CASE WHEN n % 50 = 0 THEN 'corporate' ELSE 'consumer' END::user_role,
                n % 100 <> 0, true, now() - n * interval '1 minute' FROM generate_series(1, 20000) n`,
      );
      await asOwner(app.urls, 'ANALYZE users');
      const plan = async (where: string) => {
        const rows = await asOwner<{ 'QUERY PLAN': string }>(
          app.urls,
          `EXPLAIN SELECT id, email FROM users WHERE (created_at, id) < ('9999-12-31', '${NOBODY}') AND ${where} ORDER BY created_at DESC, id DESC LIMIT 51`,
        );
        return rows.map((row) => row['QUERY PLAN']).join('\n');
      };
      const searched = `lower(' ' || email || ' ' || username || ' ' || coalesce(first_name, '') || ' ' || coalesce(last_name, ''))`;
      expect(await plan('true')).toContain('users_newest');
      expect(await plan(`role = 'corporate'`)).toContain('idx_users_role_created');
      expect(await plan('NOT email_verified AND closed_at IS NULL')).toContain('idx_users_email_verified');
      expect(await plan(`${searched} LIKE lower('%d1234%')`)).toContain('users_search');
      expect(await plan(`${searched} LIKE lower('% zz%')`)).toContain('users_search');
    });
  });

  describe('of organisations', () => {
    const create = (name: unknown) => app.post('/api/organizations', { as: app.admin, body: { name } });
    const assign = (userId: string, organizationId: unknown) =>
      app.put(`/api/users/${userId}/organization`, { as: app.admin, body: { organizationId } });

    it('makes them, once by a name, and records it', async () => {
      const { status, body } = await create(' Solar Cooperative ');
      expect(status).toBe(201);
      expect(body).toEqual({
        id: expect.any(String),
        name: 'Solar Cooperative',
        createdAt: expect.any(String),
      });
      expect(await create('solar cooperative')).toMatchObject({
        status: 409,
        body: { code: 'ORGANIZATION_NAME_TAKEN' },
      });
      expect(await lastAudit('organization.created')).toMatchObject({
        userId: app.admin.id,
        entityId: body.id,
        after: { name: 'Solar Cooperative' },
      });
    });

    it('lists them, newest first, page by page', async () => {
      for (const name of ['First', 'Second', 'Third']) await create(name);
      const first = (await app.get('/api/organizations?limit=2', { as: app.admin })).body;
      expect(first.items.map(({ name }: { name: string }) => name)).toEqual(['Third', 'Second']);
      const second = (
        await app.get(`/api/organizations?limit=2&cursor=${first.nextCursor}`, { as: app.admin })
      ).body;
      expect(second.items[0].name).toBe('First');
    });

    it('puts users in and out, at once', async () => {
      const person = await app.registers();
      const { id } = (await create('Town of Sunshine')).body;
      expect(await assign(person.id, id)).toMatchObject({ status: 200, body: { organizationId: id } });
      expect((await app.get('/api/users/me', { as: person })).body.organizationId).toBe(id);
      expect(await lastAudit('user.assigned')).toMatchObject({
        entityId: person.id,
        before: { organizationId: null },
        after: { organizationId: id },
      });
      expect(await assign(person.id, null)).toMatchObject({ status: 200, body: { organizationId: null } });
    });

    it('refuses what is not there, or malformed', async () => {
      const person = await app.registers();
      expect(await assign(person.id, NOBODY)).toMatchObject({
        status: 404,
        body: { code: 'ORGANIZATION_NOT_FOUND' },
      });
      expect(await assign(NOBODY, null)).toMatchObject({ status: 404, body: { code: 'USER_NOT_FOUND' } });
      expect((await assign(person.id, 'x')).status).toBe(400);
      expect((await assign(person.id, undefined)).status).toBe(400);
      for (const name of ['', ' ', 'x'.repeat(121), 'a\u0000b', 1, undefined])
        expect((await create(name)).status).toBe(400);
      expect((await app.get('/api/organizations?cursor=x', { as: app.admin })).status).toBe(400);
    });
  });
});
