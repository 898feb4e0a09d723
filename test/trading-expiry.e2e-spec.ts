import { OrderEndingsService } from '../src/trading/order-endings.service';
import { startApp, type Person, type TestApp } from './support/app';
import { balanceOf, expectBooksToBalance, givesEnergy, givesMoney } from './support/market';

describe('orders that are good till a date', () => {
  let app: TestApp;
  let seller: Person;
  let buyer: Person;

  beforeAll(async () => {
    app = await startApp();
    [seller, buyer] = [await app.registers(), await app.registers()];
    await givesEnergy(app, seller, '100');
    await givesMoney(app, buyer, '100');
  });
  afterAll(() => app.close());
  afterEach(() => expectBooksToBalance(app));

  const order = async (
    as: Person,
    side: string,
    quantityKwh: string,
    pricePerKwh: string,
    more: object = {},
  ) =>
    (
      await app.post('/api/trading/orders', {
        as,
        body: { market: 'solar', side, quantityKwh, pricePerKwh, ...more },
      })
    ).body;
  const gtd = () => ({ timeInForce: 'gtd', expiresAt: new Date(Date.now() + 3_600_000).toISOString() });
  const comesToItsEnd = (id: string) =>
    app.database.query(`UPDATE trading_orders SET expires_at = now() - interval '1 second' WHERE id = $1`, [
      id,
    ]);
  const runsTheJob = () => app.nest.get(OrderEndingsService).expireDue();
  const statusOf = async (as: Person, id: string) =>
    (await app.get(`/api/trading/orders/${id}`, { as })).body;

  it('do not match once their time is over, before any job has run', async () => {
    const late = await order(seller, 'sell', '1', '2', gtd());
    const alive = await order(seller, 'sell', '1', '3');
    await comesToItsEnd(late.id);
    const bid = await order(buyer, 'buy', '1', '3');
    expect(bid.trades).toMatchObject([{ pricePerKwh: '3.000000' }]);
    expect((await statusOf(seller, alive.id)).status).toBe('filled');
    expect(await statusOf(seller, late.id)).toMatchObject({ filledKwh: '0.000' });
    await runsTheJob();
  });

  it('are not shown in the book once their time is over', async () => {
    const late = await order(seller, 'sell', '1', '7', gtd());
    await comesToItsEnd(late.id);
    const { body } = await app.get('/api/trading/orderbook/solar?depth=37');
    expect(body.asks).toEqual([]);
    await runsTheJob();
  });

  it('expire by the job, which gives back what the rest had reserved', async () => {
    const [moneyBefore, energyBefore] = [
      await balanceOf(app, buyer, 'THB'),
      await balanceOf(app, seller, 'energy:solar'),
    ];
    const ask = await order(seller, 'sell', '5', '4', gtd());
    const bid = await order(buyer, 'buy', '2', '4');
    const low = await order(buyer, 'buy', '3.333', '1.001', gtd());
    const { sequence } = (await app.get('/api/trading/orderbook/solar?depth=38')).body;
    for (const { id } of [ask, low]) await comesToItsEnd(id);

    await runsTheJob();

    expect(bid.status).toBe('filled');
    expect(await statusOf(seller, ask.id)).toMatchObject({
      status: 'expired',
      reason: 'expired',
      filledKwh: '2.000',
    });
    expect(await statusOf(buyer, low.id)).toMatchObject({
      status: 'expired',
      reason: 'expired',
      filledKwh: '0.000',
    });
    expect(await balanceOf(app, buyer, 'THB')).toEqual({
      available: (Number(moneyBefore.available) - 8).toFixed(6),
      reserved: '0.000000',
    });
    expect(await balanceOf(app, seller, 'energy:solar')).toEqual({
      available: (Number(energyBefore.available) - 2).toFixed(3),
      reserved: '0.000',
    });
    const after = (await app.get('/api/trading/orderbook/solar?depth=38')).body;
    expect(after).toMatchObject({ sequence: sequence + 2, bids: [], asks: [] });
    const { body } = await app.get('/api/admin/audit?action=trading.order_expired', { as: app.admin });
    const recorded = body.items.filter(({ entityId }: { entityId: string }) =>
      [ask.id, low.id].includes(entityId),
    );
    expect(recorded).toMatchObject([{ userId: null }, { userId: null }]);
  });

  it('expire once, when several processes run the job at once', async () => {
    const ask = await order(seller, 'sell', '5', '4', gtd());
    await comesToItsEnd(ask.id);
    await Promise.all([1, 2, 3, 4].map(() => runsTheJob()));
    const [released] = await app.database.query(
      `SELECT count(*) AS times FROM ledger_transfers WHERE kind = 'order.released' AND reference = $1`,
      [ask.id],
    );
    expect(released).toEqual({ times: 1n });
    expect((await app.delete(`/api/trading/orders/${ask.id}`, { as: seller })).body.code).toBe(
      'ORDER_NOT_OPEN',
    );
  });

  it('leave the others alone', async () => {
    const [later, forever] = [
      await order(seller, 'sell', '1', '8', gtd()),
      await order(seller, 'sell', '1', '9'),
    ];
    await runsTheJob();
    expect([(await statusOf(seller, later.id)).status, (await statusOf(seller, forever.id)).status]).toEqual([
      'open',
      'open',
    ]);
  });
});
