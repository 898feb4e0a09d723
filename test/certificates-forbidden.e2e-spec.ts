import { newId } from '../src/common/id';
import { startApp, type Person, type TestApp } from './support/app';
import { generates, hasMeter, type TestMeter } from './support/generation';

const MAY = { from: '2025-05-01T00:00:00Z', to: '2025-06-01T00:00:00Z' };
const JUNE = { from: '2025-06-01T00:00:00Z', to: '2025-07-01T00:00:00Z' };

describe('what nobody may do with certificates', () => {
  let app: TestApp;
  let owner: Person;
  let stranger: Person;
  let auditor: Person;
  let operator: Person;
  let meter: TestMeter;
  let number: string;

  beforeAll(async () => {
    app = await startApp();
    owner = await app.registers();
    stranger = await app.registers({ role: 'consumer' });
    auditor = await app.registers({ role: 'auditor' });
    operator = await app.registers({ role: 'operator' });
    meter = await hasMeter(app, owner);
    await generates(app, meter, MAY.from, [1_000, 2_000]);
    const issued = await app.post('/api/certificates', { as: owner, body: { meterId: meter.id, ...MAY } });
    number = issued.body.certificateId;
  });
  afterAll(() => app.close());

  const act = (verb: string, body: unknown, as?: Person | string, certificate = number) =>
    app.post(`/api/certificates/${certificate}/${verb}`, { as, body });
  const retirement = { beneficiary: 'Somebody', purpose: 'Something' };

  it.each([
    ['POST', '/api/certificates'],
    ['GET', '/api/certificates'],
    ['POST', '/api/certificates/ERC-2026-000000/transfer'],
    ['POST', '/api/certificates/ERC-2026-000000/retire'],
    ['POST', '/api/certificates/ERC-2026-000000/withdraw'],
  ])('%s %s without a token is 401', async (method, path) => {
    expect(await app.request(method, path, method === 'POST' ? { body: {} } : {})).toMatchObject({
      status: 401,
      body: { code: 'UNAUTHENTICATED' },
    });
  });

  it('auditors read and change nothing', async () => {
    const refused = [
      await app.post('/api/certificates', { as: auditor, body: { meterId: meter.id, ...JUNE } }),
      await act('transfer', { toUserId: stranger.id }, auditor),
      await act('retire', retirement, auditor),
      await act('withdraw', { reason: 'No reason' }, auditor),
    ];
    expect(refused.map(({ status, body }) => [status, body.code])).toEqual(Array(4).fill([403, 'FORBIDDEN']));
    const all = await app.get('/api/certificates', { as: auditor });
    expect(all.body.items.map(({ certificateId }: any) => certificateId)).toContain(number);
  });

  it('owners do not withdraw', async () => {
    expect(await act('withdraw', { reason: 'Mine' }, owner)).toMatchObject({ status: 403 });
  });

  it("somebody else's meter and certificate do not exist", async () => {
    const refused = [
      await app.post('/api/certificates', { as: stranger, body: { meterId: meter.id, ...JUNE } }),
      await act('transfer', { toUserId: stranger.id }, stranger),
      await act('retire', retirement, stranger),
      await act('transfer', { toUserId: stranger.id }, app.admin),
      await act('retire', retirement, operator),
      await act('retire', retirement, owner, 'ERC-2026-000000'),
      await act('retire', retirement, owner, 'anything at all'),
      await act('withdraw', { reason: 'Gone' }, operator, 'ERC-2026-000000'),
      await app.get('/api/certificates/ERC-2026-000000'),
      await app.get('/api/certificates/%27%20OR%201%3D1'),
      await app.get(`/api/certificates?userId=${owner.id}`, { as: stranger }),
    ];
    expect(refused.map(({ status, body }) => [status, body.code])).toEqual([
      [404, 'METER_NOT_FOUND'],
      ...Array(9).fill([404, 'CERTIFICATE_NOT_FOUND']),
      [404, 'USER_NOT_FOUND'],
    ]);
    expect((await app.get('/api/certificates', { as: stranger })).body).toEqual({
      items: [],
      nextCursor: null,
    });
  });

  it('a certificate goes to somebody else who is there and acts in the market', async () => {
    for (const toUserId of [owner.id, owner.id.toUpperCase()]) {
      expect(await act('transfer', { toUserId }, owner)).toMatchObject({
        status: 422,
        body: { code: 'TRANSFER_TO_SELF' },
      });
    }
    expect(await act('transfer', { toUserId: newId() }, owner)).toMatchObject({
      status: 404,
      body: { code: 'USER_NOT_FOUND' },
    });
    expect(await act('transfer', { toUserId: auditor.id }, owner)).toMatchObject({
      status: 422,
      body: { code: 'RECEIVER_CANNOT_HOLD' },
    });
    const gone = await app.registers();
    await app.patch(`/api/users/${gone.id}`, { as: app.admin, body: { isActive: false } });
    expect(await act('transfer', { toUserId: gone.id }, owner)).toMatchObject({ status: 404 });
  });

  it.each([
    ['a meter that is none', { meterId: 'x', ...MAY }, ['meterId']],
    ['a period that ends before it begins', { meterId: newId(), from: MAY.to, to: MAY.from }, ['to']],
    ['an empty period', { meterId: newId(), from: MAY.from, to: MAY.from }, ['to']],
    [
      'more than a year',
      { meterId: newId(), from: '2024-01-01T00:00:00Z', to: '2025-06-01T00:00:00Z' },
      ['to'],
    ],
    [
      'times without an offset',
      { meterId: newId(), from: '2025-05-01', to: '2025-05-02T00:00:00' },
      ['from', 'to'],
    ],
    ['an owner to give it to', { meterId: newId(), ...MAY, ownerId: newId() }, ['']],
    ['an amount of energy', { meterId: newId(), ...MAY, energyKwh: '1000.000' }, ['']],
    ['nothing', {}, ['meterId', 'from', 'to']],
  ])('a request to certify with %s is refused by its fields', async (_, body, fields) => {
    const answer = await app.post('/api/certificates', { as: owner, body });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } });
    expect(answer.body.errors.map(({ field }: any) => field)).toEqual(fields);
  });

  it('nobody certifies the future', async () => {
    const now = Date.now();
    const body = {
      meterId: meter.id,
      from: new Date(now - 3_600_000).toISOString(),
      to: new Date(now + 3_600_000).toISOString(),
    };
    const { status, body: problem } = await app.post('/api/certificates', { as: owner, body });
    expect(status).toBe(400);
    expect(problem.errors).toEqual([{ field: 'to', detail: expect.stringContaining('future') }]);
  });

  it.each([
    ['transfer', { toUserId: 'me' }],
    ['transfer', {}],
    ['transfer', { toUserId: newId(), amountKwh: '0.500' }],
    ['retire', { beneficiary: 'Somebody' }],
    ['retire', { beneficiary: ' ', purpose: 'Something' }],
    ['retire', { beneficiary: 'two\nlines', purpose: 'Something' }],
    ['retire', { beneficiary: 'x'.repeat(201), purpose: 'Something' }],
    ['withdraw', { reason: '' }],
  ])('%s with %j is refused', async (verb, body) => {
    const answer = await act(verb, body, verb === 'withdraw' ? operator : owner);
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } });
  });

  it('lists are asked for in known words', async () => {
    for (const query of ['status=lost', 'userId=me', 'cursor=made-up', 'limit=201', 'owner=x']) {
      expect(await app.get(`/api/certificates?${query}`, { as: owner })).toMatchObject({ status: 400 });
    }
  });

  it('what no verified meter generated is not certified', async () => {
    const body = { meterId: meter.id, ...JUNE };
    expect(await app.post('/api/certificates', { as: owner, body })).toMatchObject({
      status: 422,
      body: { code: 'NOTHING_TO_CERTIFY' },
    });
    const pending = await hasMeter(app, owner, { verified: false });
    await generates(app, pending, JUNE.from, [1_000]);
    for (const as of [owner, operator]) {
      expect(
        await app.post('/api/certificates', { as, body: { meterId: pending.id, ...JUNE } }),
      ).toMatchObject({
        status: 422,
        body: { code: 'METER_NOT_VERIFIED' },
      });
    }
  });

  it('operators certify for any meter, and the certificate is its owner’s', async () => {
    await generates(app, meter, JUNE.from, [3_000]);
    const issued = await app.post('/api/certificates', {
      as: operator,
      body: { meterId: meter.id, ...JUNE },
    });
    expect(issued).toMatchObject({ status: 201, body: { ownerId: owner.id, energyKwh: '3.000' } });
  });

  it('a period that touches a certified one is refused', async () => {
    for (const [from, to] of [
      ['2025-04-30T00:00:00Z', '2025-05-01T00:15:00Z'],
      ['2025-05-01T00:15:00Z', '2025-05-01T00:30:00Z'],
      ['2025-05-31T23:59:59.999Z', '2025-06-01T00:15:00Z'],
      [MAY.from, MAY.to],
    ]) {
      await generates(app, meter, '2025-06-01T00:00:00Z', [3_000]);
      const answer = await app.post('/api/certificates', {
        as: owner,
        body: { meterId: meter.id, from, to },
      });
      expect(answer).toMatchObject({ status: 409, body: { code: 'PERIOD_ALREADY_CERTIFIED' } });
    }
  });
});

describe('with REQUIRE_VERIFIED_EMAIL', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ REQUIRE_VERIFIED_EMAIL: 'true' });
  });
  afterAll(() => app.close());

  it('certificates change hands only by those who verified their address', async () => {
    const owner = await app.registers();
    expect(
      await app.post('/api/certificates/ERC-2026-000000/transfer', {
        as: owner,
        body: { toUserId: app.admin.id },
      }),
    ).toMatchObject({ status: 403, body: { code: 'EMAIL_NOT_VERIFIED' } });
  });
});
