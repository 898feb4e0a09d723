import { startApp, type Person, type TestApp } from './support/app';
import { balanceOf, expectBooksToBalance, givesEnergy, givesMoney } from './support/market';
import {
  expectReservationsToMatch,
  expiryRuns,
  letOfferEnd,
  letOrderEnd,
  offers,
  orders,
} from './support/marketplace';

const DAY_MS = 86_400_000;
const NOBODYS = '01890000-0000-7000-8000-000000000000';

describe('orders for energy', () => {
  let app: TestApp;
  let seller: Person;
  let buyer: Person;

  beforeAll(async () => {
    app = await startApp();
  });
  beforeEach(async () => {
    // Each test has a market of its own: what others left behind is taken off.
    await app.database.query(
      `UPDATE energy_offers SET available_until = now() WHERE status = 'active' AND available_from < now()`,
    );
    await expiryRuns(app);
    seller = await app.registers();
    buyer = await app.registers({ role: 'consumer' });
    await givesMoney(app, buyer, '100');
  });
  afterEach(async () => {
    await expectBooksToBalance(app);
    await expectReservationsToMatch(app);
  });
  afterAll(() => app.close());

  const matches = (as: Person | undefined, id: string, headers?: Record<string, string>) =>
    app.post(`/api/orders/${id}/match`, { as, headers });

  describe('placing', () => {
    it('reserves the money for all of it at the limit price', async () => {
      const { status, body } = await app.post('/api/orders', {
        as: buyer,
        body: { amountKwh: '2.001', maxPricePerKwh: '4.005', preferredSource: 'wind' },
      });
      expect(status).toBe(201);
      expect(body).toEqual({
        id: expect.any(String),
        buyerId: buyer.id,
        amountKwh: '2.001',
        filledKwh: '0.000',
        maxPricePerKwh: '4.005000',
        preferredSource: 'wind',
        status: 'pending',
        reservedAmount: '8.014005',
        expiresAt: expect.any(String),
        createdAt: expect.any(String),
      });
      expect(Date.parse(body.expiresAt) - Date.parse(body.createdAt)).toBeLessThanOrEqual(7 * DAY_MS);
      expect(Date.parse(body.expiresAt) - Date.parse(body.createdAt)).toBeGreaterThan(7 * DAY_MS - 2_000);
      expect(await balanceOf(app, buyer, 'THB')).toMatchObject({
        available: '91.985995',
        reserved: '8.014005',
      });
      expect((await app.get(`/api/orders/${body.id}`, { as: buyer })).body).toEqual(body);
    });

    it('buys nothing by itself, and neither does a new offer', async () => {
      const before = await orders(app, buyer, { amountKwh: '1', maxPricePerKwh: '5' });
      const offer = await offers(app, seller, '1');
      await orders(app, buyer, { amountKwh: '1', maxPricePerKwh: '5' });
      expect((await app.get(`/api/orders/${before.id}`, { as: buyer })).body.status).toBe('pending');
      expect((await app.get(`/api/offers/${offer.id}`)).body.remainingKwh).toBe('1.000');
    });

    it('is refused without the money', async () => {
      const { status, body } = await app.post('/api/orders', {
        as: buyer,
        body: { amountKwh: '25.001', maxPricePerKwh: '4' },
      });
      expect([status, body.code]).toEqual([422, 'INSUFFICIENT_BALANCE']);
      expect((await app.get('/api/orders', { as: buyer })).body.items).toEqual([]);
    });

    it('is refused beyond the limits of the market', async () => {
      const inDays = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString();
      const refusals = [
        ['QUANTITY_OUT_OF_RANGE', { amountKwh: '100000.001' }],
        ['PRICE_OUT_OF_RANGE', { maxPricePerKwh: '0.009' }],
        ['PRICE_OUT_OF_RANGE', { maxPricePerKwh: '10000.001' }],
        ['PRICE_NOT_ON_TICK', { maxPricePerKwh: '4.0001' }],
        ['ORDER_EXPIRY_INVALID', { expiresAt: inDays(-1) }],
        ['ORDER_EXPIRY_INVALID', { expiresAt: inDays(401) }],
      ] as const;
      for (const [code, terms] of refusals) {
        const order = { amountKwh: '1', maxPricePerKwh: '4', ...terms };
        const { status, body } = await app.post('/api/orders', { as: buyer, body: order });
        expect([terms, status, body.code]).toEqual([terms, 422, code]);
      }
    });

    it('names every wrong field, and lets nobody order for somebody else', async () => {
      const wrong = await app.post('/api/orders', {
        as: buyer,
        body: { amountKwh: '0', maxPricePerKwh: 4, preferredSource: 'coal', expiresAt: 'never' },
      });
      expect(wrong.status).toBe(400);
      expect(wrong.body.errors.map(({ field }: { field: string }) => field)).toEqual([
        'amountKwh',
        'maxPricePerKwh',
        'preferredSource',
        'expiresAt',
      ]);
      const body = { amountKwh: '1', maxPricePerKwh: '4', buyerId: seller.id };
      expect((await app.post('/api/orders', { as: buyer, body })).status).toBe(400);
    });

    it('happens once for one Idempotency-Key, and is written to the audit trail', async () => {
      const headers = { 'idempotency-key': 'one-order' };
      const request = { as: buyer, headers, body: { amountKwh: '1', maxPricePerKwh: '4' } };
      const answers = await Promise.all([app.post('/api/orders', request), app.post('/api/orders', request)]);
      expect(answers[1]?.body).toEqual(answers[0]?.body);
      expect(await balanceOf(app, buyer, 'THB')).toMatchObject({ reserved: '4.000000' });
      const other = await app.post('/api/orders', {
        ...request,
        body: { amountKwh: '2', maxPricePerKwh: '4' },
      });
      expect([other.status, other.body.code]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
      const { body } = await app.get('/api/admin/audit?action=energy_order.placed&limit=1', {
        as: app.admin,
      });
      expect(body.items[0]).toMatchObject({ userId: buyer.id, entityId: answers[0]?.body.id });
    });
  });

  describe('matching', () => {
    it('takes the cheapest offers at their own prices and gives the difference back at once', async () => {
      const dear = await offers(app, seller, '5', { pricePerKwh: '4' });
      const cheap = await offers(app, seller, '2', { pricePerKwh: '3' });
      await offers(app, seller, '5', { pricePerKwh: '4.001' });
      const order = await orders(app, buyer, { amountKwh: '3', maxPricePerKwh: '4' });
      expect(await balanceOf(app, buyer, 'THB')).toMatchObject({
        available: '88.000000',
        reserved: '12.000000',
      });

      const { status, body } = await matches(buyer, order.id);
      expect(status).toBe(200);
      expect(body.order).toMatchObject({
        id: order.id,
        status: 'filled',
        filledKwh: '3.000',
        reservedAmount: '0.000000',
      });
      expect(body.transactions).toMatchObject([
        {
          offerId: cheap.id,
          orderId: order.id,
          amountKwh: '2.000',
          pricePerKwh: '3.000000',
          total: '6.000000',
          fee: '0.060000',
        },
        {
          offerId: dear.id,
          orderId: order.id,
          amountKwh: '1.000',
          pricePerKwh: '4.000000',
          total: '4.000000',
          fee: '0.040000',
        },
      ]);
      expect(body.transactions.every((one: { status: string }) => one.status === 'completed')).toBe(true);
      expect(await balanceOf(app, buyer, 'THB')).toMatchObject({
        available: '90.000000',
        reserved: '0.000000',
      });
      expect(await balanceOf(app, buyer, 'energy:solar')).toMatchObject({ available: '3.000' });
      expect(await balanceOf(app, seller, 'THB')).toMatchObject({ available: '9.900000' });
      expect((await app.get(`/api/orders/${order.id}`, { as: buyer })).body).toEqual(body.order);
      expect((await app.get(`/api/transactions/${body.transactions[0].id}`, { as: seller })).body).toEqual(
        body.transactions[0],
      );
    });

    it('goes on where it stopped when there are new offers', async () => {
      const order = await orders(app, buyer, { amountKwh: '3', maxPricePerKwh: '4' });
      const nothing = await matches(buyer, order.id);
      expect([nothing.status, nothing.body]).toEqual([200, { order, transactions: [] }]);

      await offers(app, seller, '1', { pricePerKwh: '2' });
      const part = await matches(buyer, order.id);
      expect(part.body.order).toMatchObject({
        status: 'partially_filled',
        filledKwh: '1.000',
        reservedAmount: '8.000000',
      });
      expect(await balanceOf(app, buyer, 'THB')).toMatchObject({
        available: '90.000000',
        reserved: '8.000000',
      });

      await offers(app, seller, '5', { pricePerKwh: '4' });
      const rest = await matches(buyer, order.id);
      expect(rest.body.order).toMatchObject({ status: 'filled', filledKwh: '3.000' });
      expect(rest.body.transactions).toHaveLength(1);

      const again = await matches(buyer, order.id);
      expect([again.status, again.body.code]).toEqual([409, 'ENERGY_ORDER_NOT_OPEN']);
    });

    it('of two equal offers takes the earlier', async () => {
      const first = await offers(app, seller, '1');
      await offers(app, await app.registers(), '1');
      const order = await orders(app, buyer, { amountKwh: '0.5', maxPricePerKwh: '4' });
      expect((await matches(buyer, order.id)).body.transactions).toMatchObject([{ offerId: first.id }]);
    });

    it('takes only the preferred source, and any where none is', async () => {
      await offers(app, seller, '1', { pricePerKwh: '1' });
      const wind = await offers(app, seller, '1', { pricePerKwh: '2', energySource: 'wind' });
      const picky = await orders(app, buyer, {
        amountKwh: '2',
        maxPricePerKwh: '4',
        preferredSource: 'wind',
      });
      const { body } = await matches(buyer, picky.id);
      expect(body.transactions).toMatchObject([{ offerId: wind.id, energySource: 'wind' }]);
      const easy = await orders(app, buyer, { amountKwh: '1', maxPricePerKwh: '4' });
      expect((await matches(buyer, easy.id)).body.transactions).toMatchObject([{ energySource: 'solar' }]);
    });

    it('never takes one’s own offers, nor those that are to come, over, cancelled or too dear', async () => {
      const availableFrom = new Date(Date.now() + 3_600_000).toISOString();
      await offers(app, seller, '1', { pricePerKwh: '1', availableFrom });
      await letOfferEnd(app, (await offers(app, seller, '1', { pricePerKwh: '1' })).id);
      const cancelled = await offers(app, seller, '1', { pricePerKwh: '1' });
      await app.delete(`/api/offers/${cancelled.id}`, { as: seller });
      await offers(app, seller, '1', { pricePerKwh: '4.001' });
      await offers(app, buyer, '1', { pricePerKwh: '1' });
      const order = await orders(app, buyer, { amountKwh: '1', maxPricePerKwh: '4' });
      expect((await matches(buyer, order.id)).body).toMatchObject({
        order: { status: 'pending' },
        transactions: [],
      });
    });

    it('fills from more offers than it locks at once', async () => {
      await givesEnergy(app, seller, '12', 'solar');
      const body = { energySource: 'solar', amountKwh: '0.1', pricePerKwh: '1.5' };
      await Promise.all(Array.from({ length: 120 }, () => app.post('/api/offers', { as: seller, body })));
      const order = await orders(app, buyer, { amountKwh: '11.95', maxPricePerKwh: '2' });
      const matched = await matches(buyer, order.id);
      expect(matched.body.transactions).toHaveLength(120);
      expect(matched.body.order).toMatchObject({ status: 'filled', reservedAmount: '0.000000' });
      expect(await balanceOf(app, buyer, 'THB')).toMatchObject({
        available: '82.075000',
        reserved: '0.000000',
      });
      expect(await balanceOf(app, seller, 'energy:solar')).toMatchObject({
        available: '0.000',
        reserved: '0.050',
      });
    });

    it('happens once for one Idempotency-Key', async () => {
      await offers(app, seller, '5');
      const order = await orders(app, buyer, { amountKwh: '2', maxPricePerKwh: '4' });
      const headers = { 'idempotency-key': 'one-match' };
      const answers = await Promise.all(Array.from({ length: 5 }, () => matches(buyer, order.id, headers)));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
      for (const { body } of answers) expect(body).toEqual(answers[0]?.body);
      expect(await balanceOf(app, buyer, 'energy:solar')).toMatchObject({ available: '2.000' });
    });

    it('by many at once sells no offer twice and blocks nobody', async () => {
      const sellers = await Promise.all(Array.from({ length: 3 }, () => app.registers()));
      for (const one of sellers) {
        for (const pricePerKwh of ['2', '3', '4']) await offers(app, one, '1', { pricePerKwh });
      }
      const buyers = await Promise.all(Array.from({ length: 12 }, () => app.registers({ role: 'consumer' })));
      const placed = await Promise.all(
        buyers.map(async (one) => {
          await givesMoney(app, one, '10');
          return orders(app, one, { amountKwh: '1', maxPricePerKwh: '4' });
        }),
      );
      const answers = await Promise.all(
        placed.flatMap(({ id }, index) => [matches(buyers[index], id), matches(buyers[index], id)]),
      );
      // A second match of a filled order is refused; none fails, none waits for another in a circle.
      expect(answers.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
      const sold = answers.flatMap(({ body }) => (body.transactions ?? []) as { amountKwh: string }[]);
      expect(sold.reduce((sum, { amountKwh }) => sum + Number(amountKwh.replace('.', '')), 0)).toBe(9_000);
      const left = await app.database.query(
        `SELECT id FROM energy_offers WHERE status = 'active' AND available_from < now()`,
      );
      expect(left).toEqual([]);
    });

    it('and direct purchases of the same offer never sell more than it has', async () => {
      const offer = await offers(app, seller, '5');
      const rivals = await Promise.all(Array.from({ length: 5 }, () => app.registers({ role: 'consumer' })));
      const placed = await Promise.all(
        rivals.map(async (one) => {
          await givesMoney(app, one, '50');
          return orders(app, one, { amountKwh: '1', maxPricePerKwh: '4' });
        }),
      );
      await Promise.all(
        rivals.flatMap((one, index) => [
          matches(one, (placed[index] as { id: string }).id),
          app.post(`/api/offers/${offer.id}/purchase`, { as: one, body: { amountKwh: '1' } }),
        ]),
      );
      const [sold] = await app.database.query(
        'SELECT sum(amount_wh)::bigint AS wh FROM energy_transactions WHERE offer_id = $1',
        [offer.id],
      );
      expect(sold).toEqual({ wh: 5_000n });
    });

    it('is for the owner only', async () => {
      const order = await orders(app, buyer, { amountKwh: '1', maxPricePerKwh: '4' });
      const auditor = await app.registers({ role: 'auditor' });
      expect((await matches(undefined, order.id)).status).toBe(401);
      expect((await matches(auditor, order.id)).status).toBe(403);
      for (const [who, id] of [
        [seller, order.id],
        [app.admin, order.id],
        [buyer, NOBODYS],
      ] as const) {
        const { status, body } = await matches(who, id);
        expect([status, body.code]).toEqual([404, 'ENERGY_ORDER_NOT_FOUND']);
      }
    });
  });

  describe('cancelling', () => {
    it('gives back what is still reserved', async () => {
      await offers(app, seller, '1', { pricePerKwh: '3' });
      const order = await orders(app, buyer, { amountKwh: '3', maxPricePerKwh: '4' });
      await matches(buyer, order.id);
      const { status, body } = await app.delete(`/api/orders/${order.id}`, { as: buyer });
      expect([status, body]).toEqual([
        200,
        expect.objectContaining({ status: 'cancelled', filledKwh: '1.000', reservedAmount: '0.000000' }),
      ]);
      expect(await balanceOf(app, buyer, 'THB')).toMatchObject({
        available: '97.000000',
        reserved: '0.000000',
      });
      for (const late of [
        await app.delete(`/api/orders/${order.id}`, { as: buyer }),
        await matches(buyer, order.id),
      ]) {
        expect([late.status, late.body.code]).toEqual([409, 'ENERGY_ORDER_NOT_OPEN']);
      }
    });

    it('and matching at the same time do one after the other', async () => {
      await offers(app, seller, '1');
      const order = await orders(app, buyer, { amountKwh: '1', maxPricePerKwh: '4' });
      const [matched, cancelled] = await Promise.all([
        matches(buyer, order.id),
        app.delete(`/api/orders/${order.id}`, { as: buyer }),
      ]);
      expect([matched.status, cancelled.status].sort()).toEqual([200, 409]);
      expect(await balanceOf(app, buyer, 'THB')).toMatchObject({ reserved: '0.000000' });
    });

    it('is for the owner only', async () => {
      const order = await orders(app, buyer, { amountKwh: '1', maxPricePerKwh: '4' });
      const auditor = await app.registers({ role: 'auditor' });
      expect((await app.delete(`/api/orders/${order.id}`)).status).toBe(401);
      expect((await app.delete(`/api/orders/${order.id}`, { as: auditor })).status).toBe(403);
      expect((await app.delete(`/api/orders/${order.id}`, { as: seller })).status).toBe(404);
    });
  });

  it('end with their time: they no longer match, and their money is free again', async () => {
    await offers(app, seller, '1');
    const order = await orders(app, buyer, { amountKwh: '2', maxPricePerKwh: '4' });
    await matches(buyer, order.id);
    await offers(app, seller, '1');
    await letOrderEnd(app, order.id);
    const late = await matches(buyer, order.id);
    expect([late.status, late.body.code]).toEqual([409, 'ENERGY_ORDER_NOT_OPEN']);
    await Promise.all([expiryRuns(app), expiryRuns(app)]);
    expect((await app.get(`/api/orders/${order.id}`, { as: buyer })).body).toMatchObject({
      status: 'expired',
      filledKwh: '1.000',
    });
    expect(await balanceOf(app, buyer, 'THB')).toMatchObject({
      available: '96.000000',
      reserved: '0.000000',
    });
  });

  describe('reading', () => {
    it('lists one’s own, newest first, by status and page by page', async () => {
      const first = await orders(app, buyer, { amountKwh: '1', maxPricePerKwh: '4' });
      const second = await orders(app, buyer, { amountKwh: '2', maxPricePerKwh: '4' });
      await app.delete(`/api/orders/${first.id}`, { as: buyer });
      const idsOf = async (query: string, as = buyer) =>
        (await app.get(`/api/orders${query}`, { as })).body.items.map(({ id }: { id: string }) => id);
      expect(await idsOf('')).toEqual([second.id, first.id]);
      expect(await idsOf('?status=cancelled')).toEqual([first.id]);
      expect(await idsOf('?status=filled')).toEqual([]);
      const { body } = await app.get('/api/orders?limit=1', { as: buyer });
      expect(await idsOf(`?limit=1&cursor=${body.nextCursor}`)).toEqual([first.id]);
      expect(await idsOf('', seller)).toEqual([]);
      expect(await idsOf(`?userId=${buyer.id}`, app.admin)).toEqual([second.id, first.id]);
    });

    it('is for the owner and those who see everything', async () => {
      const order = await orders(app, buyer, { amountKwh: '1', maxPricePerKwh: '4' });
      const auditor = await app.registers({ role: 'auditor' });
      expect((await app.get(`/api/orders/${order.id}`, { as: auditor })).body).toEqual(order);
      const strange = await app.get(`/api/orders/${order.id}`, { as: seller });
      expect([strange.status, strange.body.code]).toEqual([404, 'ENERGY_ORDER_NOT_FOUND']);
      expect((await app.get(`/api/orders/${NOBODYS}`, { as: buyer })).status).toBe(404);
      expect((await app.get(`/api/orders?userId=${buyer.id}`, { as: seller })).status).toBe(404);
      expect((await app.get(`/api/orders/${order.id}`)).status).toBe(401);
      expect((await app.get('/api/orders')).status).toBe(401);
      expect((await app.get('/api/orders?status=open', { as: buyer })).status).toBe(400);
      expect((await app.get('/api/orders/first', { as: buyer })).status).toBe(400);
    });

    it('does not let auditors order', async () => {
      const auditor = await app.registers({ role: 'auditor' });
      const body = { amountKwh: '1', maxPricePerKwh: '4' };
      expect((await app.post('/api/orders', { as: auditor, body })).status).toBe(403);
      expect((await app.post('/api/orders', { body })).status).toBe(401);
    });
  });
});
