import { randomUUID } from 'node:crypto';
import { startApp, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';

const METER = {
  serial: 'GTX-1',
  zone: 'north',
  energySource: 'solar',
  capacityKw: '15',
  timeZone: 'Europe/Berlin',
};

describe('meters', () => {
  let app: TestApp;
  let owner: Person;
  let neighbour: Person;
  let operator: Person;
  let auditor: Person;
  let serials = 0;

  beforeAll(async () => {
    app = await startApp();
    owner = await app.registers({ role: 'prosumer' });
    neighbour = await app.registers({ role: 'consumer' });
    operator = await app.registers({ role: 'operator' });
    auditor = await app.registers({ role: 'auditor' });
  });
  afterAll(() => app.close());

  const register = (as: Person | undefined, changes: Record<string, unknown> = {}) =>
    app.post('/api/meters', { as, body: { ...METER, serial: `GTX-R${++serials}`, ...changes } });

  const move = (as: Person | undefined, id: string, step: string) =>
    app.post(`/api/meters/${id}/${step}`, { as });

  describe('are registered', () => {
    it('by their owner, and wait to be verified', async () => {
      const { status, body } = await register(owner, { serial: 'GTX-1' });
      expect(status).toBe(201);
      expect(body).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        serial: 'GTX-1',
        ownerId: owner.id,
        zone: 'north',
        energySource: 'solar',
        capacityKw: '15.000',
        intervalMinutes: null,
        timeZone: 'Europe/Berlin',
        status: 'pending',
        createdAt: expect.stringMatching(/Z$/),
        updatedAt: expect.stringMatching(/Z$/),
      });
      expect((await app.get(`/api/meters/${body.id}`, { as: owner })).body).toEqual(body);
    });

    it('without capacity and time zone by those who only consume', async () => {
      const { body } = await register(neighbour, { capacityKw: '0', timeZone: undefined });
      expect(body).toMatchObject({ capacityKw: '0.000', timeZone: 'UTC' });
    });

    it('once per serial, whoever asks', async () => {
      const serial = 'GTX-TWICE';
      const answers = await Promise.all([owner, neighbour, owner].map((as) => register(as, { serial })));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
      expect(answers.find(({ status }) => status === 409)?.body.code).toBe('METER_SERIAL_TAKEN');
    });

    it('for somebody else by operators and admins only', async () => {
      for (const as of [operator, app.admin]) {
        const { status, body } = await register(as, { ownerId: neighbour.id });
        expect(status).toBe(201);
        expect(body.ownerId).toBe(neighbour.id);
      }
      expect((await register(owner, { ownerId: neighbour.id })).status).toBe(403);
      expect((await register(owner, { ownerId: owner.id })).status).toBe(201);
      const unknown = await register(operator, { ownerId: randomUUID() });
      expect([unknown.status, unknown.body.code]).toEqual([404, 'USER_NOT_FOUND']);
    });

    it('by nobody without a token, and not by auditors', async () => {
      expect((await register(undefined)).status).toBe(401);
      expect((await register(auditor)).status).toBe(403);
    });

    it.each([
      ['serial', ''],
      ['serial', 'GTX,1'],
      ['serial', 'x'.repeat(65)],
      ['serial', 7],
      ['zone', ' '],
      ['energySource', 'coal'],
      ['capacityKw', '-1'],
      ['capacityKw', '1.0001'],
      ['capacityKw', '1000000.001'],
      ['capacityKw', 15],
      ['timeZone', 'Middle/Earth'],
      ['timeZone', '+02:00'],
      ['status', 'verified'],
      ['ownerId', 'somebody'],
    ])('never with %s %p', async (field, value) => {
      const { status, body } = await register(owner, { [field]: value });
      expect(status).toBe(400);
      expect(body.code).toBe('INVALID_INPUT');
      expect(JSON.stringify(body.errors)).toContain(field);
    });
  });

  describe('are seen', () => {
    it('by their owner, and by those who see everything; to others they do not exist', async () => {
      const { body: meter } = await register(owner);
      for (const as of [owner, operator, auditor, app.admin]) {
        expect((await app.get(`/api/meters/${meter.id}`, { as })).body).toEqual(meter);
      }
      const foreign = await app.get(`/api/meters/${meter.id}`, { as: neighbour });
      expect([foreign.status, foreign.body.code]).toEqual([404, 'METER_NOT_FOUND']);
      expect((await app.get(`/api/meters/${randomUUID()}`, { as: owner })).status).toBe(404);
      expect((await app.get('/api/meters/not-an-id', { as: owner })).status).toBe(400);
      expect((await app.get(`/api/meters/${meter.id}`)).status).toBe(401);
    });

    it('in a list of their owner, page by page, newest first', async () => {
      const lister = await app.registers();
      const made: string[] = [];
      for (let count = 0; count < 3; count++) made.unshift((await register(lister)).body.id);
      const first = await app.get('/api/meters?limit=2', { as: lister });
      expect(first.body.items.map(({ id }: { id: string }) => id)).toEqual(made.slice(0, 2));
      const second = await app.get(`/api/meters?limit=2&cursor=${first.body.nextCursor}`, { as: lister });
      expect(second.body.items.map(({ id }: { id: string }) => id)).toEqual(made.slice(2));
      expect(second.body.nextCursor).toBeNull();
    });

    it('in a list of everybody, of one user or of one status by those who see everything', async () => {
      const { body: meter } = await register(neighbour);
      const idsOf = async (as: Person, query: string) =>
        (await app.get(`/api/meters?limit=200${query}`, { as })).body.items.map(
          ({ id }: { id: string }) => id,
        );
      for (const as of [operator, auditor, app.admin]) {
        expect(await idsOf(as, '')).toContain(meter.id);
        expect(await idsOf(as, `&userId=${neighbour.id}`)).toContain(meter.id);
        expect(await idsOf(as, `&userId=${owner.id}`)).not.toContain(meter.id);
        expect(await idsOf(as, '&status=pending')).toContain(meter.id);
        expect(await idsOf(as, '&status=retired')).not.toContain(meter.id);
      }
      expect(await idsOf(owner, '')).not.toContain(meter.id);
      expect(await idsOf(neighbour, '&status=pending')).toContain(meter.id);
    });

    it('never by naming another user, a wrong cursor, limit or filter', async () => {
      const foreign = await app.get(`/api/meters?userId=${neighbour.id}`, { as: owner });
      expect([foreign.status, foreign.body.code]).toEqual([404, 'USER_NOT_FOUND']);
      for (const query of ['cursor=made-up', 'limit=0', 'limit=201', 'status=broken', 'owner=me']) {
        expect((await app.get(`/api/meters?${query}`, { as: owner })).status).toBe(400);
      }
      expect((await app.get('/api/meters')).status).toBe(401);
    });
  });

  describe('live', () => {
    it('as the table of their life cycle says, with a trail', async () => {
      const { body: meter } = await register(owner);
      const steps: [string, number, string][] = [
        ['verify', 200, 'verified'],
        ['verify', 409, 'METER_STATUS_CONFLICT'],
        ['suspend', 200, 'suspended'],
        ['suspend', 409, 'METER_STATUS_CONFLICT'],
        ['verify', 200, 'verified'],
        ['retire', 200, 'retired'],
        ['verify', 409, 'METER_STATUS_CONFLICT'],
        ['retire', 409, 'METER_STATUS_CONFLICT'],
      ];
      for (const [step, status, outcome] of steps) {
        const answer = await move(operator, meter.id, step);
        expect([step, answer.status, answer.body.code ?? answer.body.status]).toEqual([
          step,
          status,
          outcome,
        ]);
      }
      const trail = await asOwner(
        app.urls,
        'SELECT action, user_id, before, after FROM audit_logs WHERE entity_id = $1 ORDER BY id OFFSET 1',
        [meter.id],
      );
      expect(trail).toEqual([
        {
          action: 'meter.verified',
          user_id: operator.id,
          before: { status: 'pending' },
          after: { status: 'verified' },
        },
        {
          action: 'meter.suspended',
          user_id: operator.id,
          before: { status: 'verified' },
          after: { status: 'suspended' },
        },
        {
          action: 'meter.verified',
          user_id: operator.id,
          before: { status: 'suspended' },
          after: { status: 'verified' },
        },
        {
          action: 'meter.retired',
          user_id: operator.id,
          before: { status: 'verified' },
          after: { status: 'retired' },
        },
      ]);
    });

    it.each(['verify', 'suspend', 'retire'])(
      'never by an owner or auditor who would %s them',
      async (step) => {
        const { body: meter } = await register(owner);
        for (const as of [owner, neighbour, auditor])
          expect((await move(as, meter.id, step)).status).toBe(403);
        expect((await move(undefined, meter.id, step)).status).toBe(401);
        expect((await move(operator, randomUUID(), step)).status).toBe(404);
        expect((await move(operator, 'x', step)).status).toBe(400);
        expect((await app.get(`/api/meters/${meter.id}`, { as: owner })).body.status).toBe('pending');
      },
    );

    it('one step at a time: of two who verify at once one comes too late', async () => {
      const { body: meter } = await register(owner);
      const answers = await Promise.all([operator, app.admin].map((as) => move(as, meter.id, 'verify')));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    });
  });
});
