import { startApp, type Answer, type Person, type TestApp } from './support/app';
import { balanceOf, expectBooksToBalance, givesEnergy, givesMoney } from './support/market';
import { buys, expectReservationsToMatch, offers } from './support/marketplace';

/** THB of the platform from fees in the marketplace. */
async function feesOf(app: TestApp): Promise<bigint> {
  const [row] = await app.database.query<{ balance: bigint }>(
    `SELECT balance FROM ledger_accounts WHERE platform = 'fees:marketplace' AND asset = 'THB'`,
  );
  return row?.balance ?? 0n;
}

const outcomes = (answers: readonly Answer[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const outcome = status === 201 ? '201' : `${status} ${body.code}`;
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
};

describe('purchases', () => {
  let app: TestApp;
  let seller: Person;
  let buyer: Person;

  beforeAll(async () => {
    app = await startApp();
  });
  beforeEach(async () => {
    seller = await app.registers();
    buyer = await app.registers({ role: 'consumer' });
  });
  afterEach(async () => {
    await expectBooksToBalance(app);
    await expectReservationsToMatch(app);
  });
  afterAll(() => app.close());

  it('settle at once: energy to the buyer, money less the fee to the seller', async () => {
    await givesMoney(app, buyer, '100');
    const fees = await feesOf(app);
    const offer = await offers(app, seller, '10', { pricePerKwh: '3.333' });
    const { status, body } = await buys(app, buyer, offer.id, '1.5');
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      offerId: offer.id,
      orderId: null,
      sellerId: seller.id,
      buyerId: buyer.id,
      energySource: 'solar',
      amountKwh: '1.500',
      pricePerKwh: '3.333000',
      total: '4.999500',
      fee: '0.049995',
      status: 'completed',
      settledAt: expect.any(String),
      blockchainTxSignature: null,
      createdAt: expect.any(String),
    });
    expect(await balanceOf(app, buyer, 'THB')).toMatchObject({
      available: '95.000500',
      reserved: '0.000000',
    });
    expect(await balanceOf(app, buyer, 'energy:solar')).toMatchObject({
      available: '1.500',
      reserved: '0.000',
    });
    expect(await balanceOf(app, seller, 'THB')).toMatchObject({
      available: '4.949505',
      reserved: '0.000000',
    });
    expect(await balanceOf(app, seller, 'energy:solar')).toMatchObject({
      available: '0.000',
      reserved: '8.500',
    });
    expect((await feesOf(app)) - fees).toBe(49_995n);
    expect((await app.get(`/api/offers/${offer.id}`)).body).toMatchObject({
      status: 'active',
      remainingKwh: '8.500',
    });
  });

  it('are written to the audit trail and the metrics', async () => {
    await givesMoney(app, buyer, '100');
    const offer = await offers(app, seller, '1');
    const { body: transaction } = await buys(app, buyer, offer.id, '1');
    const { body } = await app.get('/api/admin/audit?action=offer.purchased&limit=1', { as: app.admin });
    expect(body.items[0]).toMatchObject({
      userId: buyer.id,
      entityId: transaction.id,
      after: { total: '4.000000' },
    });
    expect((await app.get('/metrics')).body).toMatch(
      /^marketplace_operations_total\{operation="purchase",result="done"\} [1-9]/m,
    );
  });

  it('take the fee that is configured', async () => {
    const free = await startApp({ FEE_BPS: '0' }, app.urls);
    try {
      await givesMoney(app, buyer, '100');
      const offer = await offers(app, seller, '1');
      expect((await buys(free, buyer, offer.id, '1')).body).toMatchObject({
        total: '4.000000',
        fee: '0.000000',
      });
      expect(await balanceOf(app, seller, 'THB')).toMatchObject({ available: '4.000000' });
    } finally {
      await free.close();
    }
  });

  it('end an offer with its last watt-hour, which then is no longer on the market', async () => {
    await givesMoney(app, buyer, '100');
    const offer = await offers(app, seller, '2', { pricePerKwh: '1.234' });
    const listed = async () => (await app.get('/api/offers?minPrice=1.234&maxPrice=1.234')).body.items;
    expect(await listed()).toHaveLength(1);
    expect((await buys(app, buyer, offer.id, '0.001')).status).toBe(201);
    expect(await listed()).toMatchObject([{ remainingKwh: '1.999' }]);
    expect((await buys(app, buyer, offer.id, '1.999')).status).toBe(201);
    expect(await listed()).toEqual([]);
    for (const as of [seller, buyer, undefined]) {
      expect((await app.get(`/api/offers/${offer.id}`, { as })).body).toMatchObject({
        status: 'sold',
        remainingKwh: '0.000',
      });
    }
    const late = await buys(app, buyer, offer.id, '0.001');
    expect([late.status, late.body.code]).toEqual([409, 'OFFER_EXHAUSTED']);
    const cancelled = await app.delete(`/api/offers/${offer.id}`, { as: seller });
    expect([cancelled.status, cancelled.body.code]).toEqual([409, 'OFFER_NOT_ACTIVE']);
  });

  describe('are refused', () => {
    it('when less is left than asked for, and then sell nothing', async () => {
      await givesMoney(app, buyer, '100');
      const offer = await offers(app, seller, '2');
      const { status, body } = await buys(app, buyer, offer.id, '2.001');
      expect([status, body.code]).toEqual([409, 'OFFER_EXHAUSTED']);
      expect(await balanceOf(app, buyer, 'THB')).toMatchObject({ available: '100.000000' });
    });

    it('without the money', async () => {
      await givesMoney(app, buyer, '3.999999');
      const offer = await offers(app, seller, '2');
      const { status, body } = await buys(app, buyer, offer.id, '1');
      expect([status, body.code]).toEqual([422, 'INSUFFICIENT_BALANCE']);
      expect(body.detail).toContain('4.000000 THB');
      expect((await app.get(`/api/offers/${offer.id}`)).body.remainingKwh).toBe('2.000');
    });

    it('from oneself', async () => {
      await givesMoney(app, seller, '100');
      const offer = await offers(app, seller, '2');
      const { status, body } = await buys(app, seller, offer.id, '1');
      expect([status, body.code]).toEqual([422, 'OWN_OFFER']);
    });

    it('before the offer’s time', async () => {
      await givesMoney(app, buyer, '100');
      const availableFrom = new Date(Date.now() + 3_600_000).toISOString();
      const offer = await offers(app, seller, '2', { availableFrom });
      const { status, body } = await buys(app, buyer, offer.id, '1');
      expect([status, body.code]).toEqual([422, 'OFFER_NOT_AVAILABLE']);
      expect(body.detail).toContain(availableFrom);
    });

    it('for an offer that does not exist', async () => {
      const { status, body } = await buys(app, buyer, '01890000-0000-7000-8000-000000000000', '1');
      expect([status, body.code]).toEqual([404, 'OFFER_NOT_FOUND']);
    });

    it('for no energy, for less than a watt-hour, and for what is no number', async () => {
      const offer = await offers(app, seller, '2');
      for (const amountKwh of ['0', '-1', '1.0001', 'a lot', '1e3']) {
        const { status, body } = await buys(app, buyer, offer.id, amountKwh);
        expect([amountKwh, status, body.errors[0].field]).toEqual([amountKwh, 400, 'amountKwh']);
      }
    });

    it('with a price or a buyer of one’s own choice', async () => {
      const offer = await offers(app, seller, '2');
      for (const more of [{ pricePerKwh: '0.01' }, { buyerId: seller.id }]) {
        const { status } = await app.post(`/api/offers/${offer.id}/purchase`, {
          as: buyer,
          body: { amountKwh: '1', ...more },
        });
        expect(status).toBe(400);
      }
    });

    it('without a token, and to auditors', async () => {
      const offer = await offers(app, seller, '2');
      const auditor = await app.registers({ role: 'auditor' });
      expect((await buys(app, undefined, offer.id, '1')).status).toBe(401);
      expect((await buys(app, auditor, offer.id, '1')).status).toBe(403);
    });
  });

  describe('with an Idempotency-Key', () => {
    const key = { 'idempotency-key': 'first-of-march' };

    it('happen once, however often and in parallel they are sent', async () => {
      await givesMoney(app, buyer, '100');
      const offer = await offers(app, seller, '5');
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => buys(app, buyer, offer.id, '1', key)),
      );
      expect(outcomes(answers)).toEqual({ '201': 12 });
      expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
      expect(await balanceOf(app, buyer, 'energy:solar')).toMatchObject({ available: '1.000' });
      expect(await balanceOf(app, buyer, 'THB')).toMatchObject({ available: '96.000000' });
    });

    it('are refused with another body or for another offer', async () => {
      await givesMoney(app, buyer, '100');
      const offer = await offers(app, seller, '5');
      const another = await offers(app, seller, '5');
      expect((await buys(app, buyer, offer.id, '1', key)).status).toBe(201);
      for (const reused of [
        await buys(app, buyer, offer.id, '2', key),
        await buys(app, buyer, another.id, '1', key),
      ]) {
        expect([reused.status, reused.body.code]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
      }
      expect(await balanceOf(app, buyer, 'energy:solar')).toMatchObject({ available: '1.000' });
    });

    it('may be sent again after a refusal, and are each user’s own', async () => {
      const offer = await offers(app, seller, '5');
      expect((await buys(app, buyer, offer.id, '1', key)).status).toBe(422);
      await givesMoney(app, buyer, '100');
      expect((await buys(app, buyer, offer.id, '1', key)).status).toBe(201);
      const neighbour = await app.registers({ role: 'consumer' });
      await givesMoney(app, neighbour, '100');
      expect((await buys(app, neighbour, offer.id, '1', key)).status).toBe(201);
      expect((await app.get(`/api/offers/${offer.id}`)).body.remainingKwh).toBe('3.000');
    });
  });

  it('200 at once sell an offer for 50 out exactly', async () => {
    const buyers = await Promise.all(Array.from({ length: 10 }, () => app.registers({ role: 'consumer' })));
    await Promise.all(buyers.map((one) => givesMoney(app, one, '1000')));
    const fees = await feesOf(app);
    // Fees are rounded down per sale: 0.007 kWh at 3.337 costs 0.023359, of which 1 % is 0.000233.
    const offer = await offers(app, seller, '0.350', { pricePerKwh: '3.337' });

    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => buys(app, buyers[index % 10], offer.id, '0.007')),
    );

    expect(outcomes(answers)).toEqual({ '201': 50, '409 OFFER_EXHAUSTED': 150 });
    expect((await app.get(`/api/offers/${offer.id}`, { as: seller })).body).toMatchObject({
      status: 'sold',
      remainingKwh: '0.000',
    });
    expect(await balanceOf(app, seller, 'energy:solar')).toMatchObject({
      available: '0.000',
      reserved: '0.000',
    });
    expect(await balanceOf(app, seller, 'THB')).toMatchObject({
      available: '1.156300',
      reserved: '0.000000',
    });
    expect((await feesOf(app)) - fees).toBe(50n * 233n);
    const bought = await Promise.all(buyers.map((one) => balanceOf(app, one, 'energy:solar')));
    expect(bought.reduce((sum, { available }) => sum + Number(available.replace('.', '')), 0)).toBe(350);
    const [sold] = await app.database.query<{ wh: bigint; count: bigint }>(
      'SELECT sum(amount_wh)::bigint AS wh, count(*) AS count FROM energy_transactions WHERE offer_id = $1',
      [offer.id],
    );
    expect(sold).toEqual({ wh: 350n, count: 50n });
  });

  it('and everything else that competes for energy and money never overdraw either', async () => {
    const people = await Promise.all(Array.from({ length: 4 }, () => app.registers()));
    for (const one of people) {
      await givesMoney(app, one, '20');
      await givesEnergy(app, one, '5');
    }
    const listed = await Promise.all(people.map((one) => offers(app, one, '2')));
    const answers = await Promise.all(
      people.flatMap((one, index) => [
        ...listed.map(({ id }) => buys(app, one, id, '0.7')),
        app.delete(`/api/offers/${listed[index]?.id}`, { as: one }),
        ...Array.from({ length: 3 }, () =>
          app.post('/api/offers', {
            as: one,
            body: { energySource: 'solar', amountKwh: '2.5', pricePerKwh: '4' },
          }),
        ),
        app.post('/api/orders', { as: one, body: { amountKwh: '3', maxPricePerKwh: '4' } }),
      ]),
    );
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    const [short] = await app.database.query<{ asset: string }>(
      'SELECT asset FROM ledger_accounts WHERE user_id IS NOT NULL AND balance < 0',
    );
    expect(short).toBeUndefined();
  });
});
