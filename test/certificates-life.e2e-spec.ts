import { CertificateExpiryService } from '../src/certificates/certificate-expiry.service';
import { startApp, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { generates, hasMeter, mints, type TestMeter } from './support/generation';
import { stopClock } from './support/recurring-jobs';

const MAY = { from: '2025-05-01T00:00:00Z', to: '2025-06-01T00:00:00Z' };
const JUNE = { from: '2025-06-01T00:00:00Z', to: '2025-07-01T00:00:00Z' };

describe("a certificate's life", () => {
  let app: TestApp;
  let ann: Person;
  let ben: Person;
  let meter: TestMeter;

  beforeAll(async () => {
    app = await startApp();
    await stopClock(app.urls); // certificates expire when a test says so
    ann = await app.registers();
    ben = await app.registers({ role: 'consumer' });
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    meter = await hasMeter(app, ann, { source: 'wind' });
    await generates(app, meter, MAY.from, [1_000, [500, 700], 250]);
    await generates(app, meter, JUNE.from, [4_000]);
  });

  async function issues(period: { from: string; to: string } = MAY, as: Person = ann): Promise<any> {
    const { status, body } = await app.post('/api/certificates', {
      as,
      body: { meterId: meter.id, ...period },
    });
    expect({ status, body }).toMatchObject({ status: 201 });
    return body;
  }
  const transfers = (certificate: any, to: Person, as = ann) =>
    app.post(`/api/certificates/${certificate.certificateId}/transfer`, { as, body: { toUserId: to.id } });
  const retires = (certificate: any, as = ann) =>
    app.post(`/api/certificates/${certificate.certificateId}/retire`, {
      as,
      body: { beneficiary: 'Ann’s Bakery', purpose: 'Electricity of May 2025' },
    });
  const withdraws = (certificate: any, as = app.admin) =>
    app.post(`/api/certificates/${certificate.certificateId}/withdraw`, {
      as,
      body: { reason: 'Meter was faulty' },
    });
  const verifies = (certificate: any) => app.get(`/api/certificates/${certificate.certificateId}`);
  const expires = (certificate: any) =>
    asOwner(
      app.urls,
      `UPDATE erc_certificates SET issued_at = now() - interval '366 days', expires_at = now() - interval '1 day'
        WHERE id = $1`,
      [certificate.id],
    );

  it('begins with exactly what the meter generated in the half-open period', async () => {
    const certificate = await issues();
    expect(certificate).toMatchObject({
      status: 'active',
      ownerId: ann.id,
      meterId: meter.id,
      energyKwh: '1.750',
      energySource: 'wind',
      vintage: '2025-05',
      period: { from: '2025-05-01T00:00:00.000Z', to: '2025-06-01T00:00:00.000Z' },
      retiredAt: null,
      beneficiary: null,
      blockchainTxSignature: null,
    });
    expect(certificate.certificateId).toMatch(/^ERC-\d{4}-[0-9A-HJKMNP-TV-Z]{6}$/);
    const [issued, expiry] = [new Date(certificate.issuedAt), new Date(certificate.expiresAt)];
    expect(expiry.getUTCFullYear()).toBe(issued.getUTCFullYear() + 1);
    expect(Math.round((expiry.getTime() - issued.getTime()) / 86_400_000)).toBeGreaterThanOrEqual(365);
    // The month beside it is free: the end of a period does not belong to it.
    expect((await issues(JUNE)).energyKwh).toBe('4.000');
  });

  it('names its vintage as people where the meter hangs would', async () => {
    meter = await hasMeter(app, ann, { timeZone: 'Asia/Bangkok' });
    await generates(app, meter, '2025-02-28T17:00:00Z', [1_000]);
    const march = await issues({ from: '2025-02-28T17:00:00Z', to: '2025-03-31T17:00:00Z' });
    expect(march.vintage).toBe('2025-03');
  });

  it('is verified by anybody, however its number was typed, without telling whose it is', async () => {
    const certificate = await issues();
    const { id: _, ownerId: _owner, walletAddress: _wallet, meterId: _meter, ...shown } = certificate;
    expect(await verifies(certificate)).toMatchObject({ status: 200, body: shown });
    const [prefix, year, drawn] = certificate.certificateId.toLowerCase().split('-');
    const typed = `${prefix}-${year}-${drawn.replaceAll('0', 'o').replaceAll('1', 'l')}`;
    expect(await app.get(`/api/certificates/${typed}`)).toMatchObject({ status: 200, body: shown });
    expect(Object.keys((await verifies(certificate)).body).sort()).toEqual(Object.keys(shown).sort());
  });

  it('goes from hand to hand, with the wallet of whoever has it', async () => {
    const wallet = 'So11111111111111111111111111111111111111112';
    await asOwner(app.urls, 'UPDATE users SET wallet_address = $2 WHERE id = $1', [ben.id, wallet]);
    const certificate = await issues();
    const { status, body } = await transfers(certificate, ben);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { status: 'transferred', ownerId: ben.id, walletAddress: wallet, energyKwh: '1.750' },
    });
    expect(await transfers(certificate, ben)).toMatchObject({ status: 404 });
    expect(await transfers(certificate, ann, ben)).toMatchObject({
      status: 200,
      body: { status: 'transferred', ownerId: ann.id, walletAddress: null },
    });
    const custody = await asOwner(
      app.urls,
      'SELECT from_user_id, to_user_id FROM erc_certificate_transfers WHERE erc_certificate_id = $1 ORDER BY id',
      [certificate.id],
    );
    expect(custody).toEqual([
      { from_user_id: ann.id, to_user_id: ben.id },
      { from_user_id: ben.id, to_user_id: ann.id },
    ]);
  });

  it('ends when it is retired, and says for whom', async () => {
    const certificate = await issues();
    const retired = await retires(certificate);
    expect(retired).toMatchObject({
      status: 200,
      body: { status: 'retired', beneficiary: 'Ann’s Bakery', purpose: 'Electricity of May 2025' },
    });
    expect(new Date(retired.body.retiredAt).getTime()).not.toBeNaN();
    expect((await verifies(certificate)).body).toMatchObject({
      status: 'retired',
      beneficiary: 'Ann’s Bakery',
    });
    const after = [
      await transfers(certificate, ben),
      await retires(certificate),
      await withdraws(certificate),
    ];
    expect(after.map(({ status, body }) => [status, body.code])).toEqual(
      Array(3).fill([409, 'CERTIFICATE_RETIRED']),
    );
  });

  it('can be withdrawn: then its period may be certified again and its readings revised', async () => {
    const certificate = await issues();
    const revision = () => generates(app, meter, MAY.from, [1_500]);
    await revision();
    expect((await verifies(certificate)).body.energyKwh).toBe('1.750');
    expect(await withdraws(certificate)).toMatchObject({ status: 200, body: { status: 'withdrawn' } });
    expect(await retires(certificate)).toMatchObject({
      status: 409,
      body: { code: 'CERTIFICATE_WITHDRAWN' },
    });
    await revision();
    expect((await issues()).energyKwh).toBe('2.250');
  });

  it('is expired from its last instant on, before and after that is written down', async () => {
    const certificate = await issues();
    await expires(certificate);
    expect((await verifies(certificate)).body.status).toBe('expired');
    expect(await transfers(certificate, ben)).toMatchObject({
      status: 409,
      body: { code: 'CERTIFICATE_EXPIRED' },
    });
    const ofStatus = async (status: string) =>
      (await app.get(`/api/certificates?status=${status}`, { as: ann })).body.items.map(({ id }: any) => id);
    expect(await ofStatus('expired')).toContain(certificate.id);
    expect(await ofStatus('active')).not.toContain(certificate.id);

    expect(await app.nest.get(CertificateExpiryService).expireDue()).toBe(1);
    expect(await app.nest.get(CertificateExpiryService).expireDue()).toBe(0);
    const [row] = await asOwner(app.urls, 'SELECT status FROM erc_certificates WHERE id = $1', [
      certificate.id,
    ]);
    expect(row).toEqual({ status: 'expired' });
    expect(await ofStatus('expired')).toContain(certificate.id);
    expect(await retires(certificate)).toMatchObject({ status: 409, body: { code: 'CERTIFICATE_EXPIRED' } });
    // What was generated is not set free: certifying it anew would prolong the certificate.
    expect(
      await app.post('/api/certificates', { as: ann, body: { meterId: meter.id, ...MAY } }),
    ).toMatchObject({
      status: 409,
      body: { code: 'PERIOD_ALREADY_CERTIFIED' },
    });
  });

  it('is asked for again with the same key without being issued again', async () => {
    const request = {
      as: ann,
      body: { meterId: meter.id, ...MAY },
      headers: { 'idempotency-key': `issue-${meter.id}` },
    };
    const first = await app.post('/api/certificates', request);
    expect(first.status).toBe(201);
    expect((await app.post('/api/certificates', request)).body).toEqual(first.body);
    const other = { ...request, body: { meterId: meter.id, ...JUNE } };
    expect(await app.post('/api/certificates', other)).toMatchObject({
      status: 409,
      body: { code: 'IDEMPOTENCY_KEY_REUSED' },
    });
  });

  it('fixes its readings whether or not they are minted', async () => {
    await mints(app, ann, meter);
    await issues();
    const { body } = await app.post('/api/meters/readings', {
      as: ann,
      body: [
        {
          meterSerial: meter.serial,
          intervalStart: MAY.from,
          intervalMinutes: 15,
          generatedWh: 900,
          consumedWh: 0,
        },
      ],
    });
    expect(body).toMatchObject({ accepted: 0, revised: 0, rejected: 1 });
  });

  it('is listed newest first, page by page', async () => {
    const owner = await app.registers();
    meter = await hasMeter(app, owner);
    await generates(app, meter, MAY.from, [100, 100, 100, 100]);
    const at = (quarter: number) => new Date(Date.parse(MAY.from) + quarter * 900_000).toISOString();
    const issued: string[] = [];
    for (const quarter of [0, 1, 2, 3]) {
      issued.unshift((await issues({ from: at(quarter), to: at(quarter + 1) }, owner)).certificateId);
    }
    const first = await app.get('/api/certificates?limit=3', { as: owner });
    const second = await app.get(`/api/certificates?limit=3&cursor=${first.body.nextCursor}`, { as: owner });
    expect(second.body.nextCursor).toBeNull();
    const listed = [...first.body.items, ...second.body.items].map(({ certificateId }: any) => certificateId);
    expect(listed).toEqual(issued);
    const ofOwner = await app.get(`/api/certificates?userId=${owner.id}&status=active`, { as: app.admin });
    expect(ofOwner.body.items.map(({ certificateId }: any) => certificateId)).toEqual(issued);
  });

  it('leaves a trail and is counted', async () => {
    const certificate = await issues();
    await transfers(certificate, ben);
    await withdraws(certificate);
    const trail = await asOwner(
      app.urls,
      `SELECT action, user_id, before->>'ownerId' AS before, after->>'ownerId' AS after, after->>'reason' AS reason
         FROM audit_logs WHERE entity = 'erc_certificates' AND entity_id = $1 ORDER BY id`,
      [certificate.id],
    );
    expect(trail).toEqual([
      { action: 'certificate.issued', user_id: ann.id, before: null, after: ann.id, reason: null },
      { action: 'certificate.transferred', user_id: ann.id, before: ann.id, after: ben.id, reason: null },
      {
        action: 'certificate.withdrawn',
        user_id: app.admin.id,
        before: ben.id,
        after: ben.id,
        reason: 'Meter was faulty',
      },
    ]);
    const metrics = (await app.get('/metrics')).body as string;
    for (const status of ['active', 'transferred', 'retired', 'withdrawn', 'expired']) {
      expect(metrics).toMatch(new RegExp(`^certificates_total\\{status="${status}"\\} [1-9]`, 'm'));
    }
  });
});
