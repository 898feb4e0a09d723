import { startApp, type Person, type TestApp } from './support/app';
import { balanceOf, expectBooksToBalance, givesEnergy, givesMoney } from './support/market';

describe('a batch of orders', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());
  afterEach(() => expectBooksToBalance(app));

  const batch = (as: Person | undefined, orders: unknown, headers: Record<string, string> = {}) =>
    app.post('/api/trading/orders/batch', { as, headers, body: { orders } });
  const ask = (quantityKwh: string, pricePerKwh: string, more: object = {}) => ({
    market: 'solar',
    side: 'sell',
    quantityKwh,
    pricePerKwh,
    ...more,
  });
  const bid = (quantityKwh: string, pricePerKwh: string, more: object = {}) => ({
    ...ask(quantityKwh, pricePerKwh),
    side: 'buy',
    ...more,
  });

  it('answers each order on its own, the bad ones in between refused alone', async () => {
    const person = await app.registers();
    await givesEnergy(app, person, '3');
    await givesMoney(app, person, '10');
    const { status, body } = await batch(person, [
      ask('1', '9'),
      { market: 'solar', side: 'lend' },
      ask('1', '9.0001'),
      ask('5', '9'),
      ask('1', '8', { market: 'coal' }),
      ask('1', '8', { market: 'wind-auction' }),
      'rubbish',
      ask('2', '8.5'),
      bid('1', '1'),
      bid('2', '5'),
      bid('1', '8.6'),
    ]);
    expect(status).toBe(201);
    expect(body.items.map((item: any) => [item.status, item.order?.status ?? item.error.code])).toEqual([
      [201, 'open'],
      [400, 'INVALID_INPUT'],
      [422, 'PRICE_NOT_ON_TICK'],
      [422, 'INSUFFICIENT_BALANCE'],
      [404, 'MARKET_NOT_FOUND'],
      [422, 'MARKET_HALTED'],
      [400, 'INVALID_INPUT'],
      [201, 'open'],
      [201, 'open'],
      [422, 'INSUFFICIENT_BALANCE'],
      [201, 'cancelled'],
    ]);
    expect(body.items[1].error.errors.map(({ field }: { field: string }) => field)).toEqual([
      'side',
      'quantityKwh',
    ]);
    expect(body.items[10].order).toMatchObject({ reason: 'self_trade', trades: [] });
    expect(await balanceOf(app, person, 'energy:solar')).toEqual({ available: '0.000', reserved: '3.000' });
    expect(await balanceOf(app, person, 'THB')).toEqual({ available: '9.000000', reserved: '1.000000' });
    const mine = (await app.get('/api/trading/orders', { as: person })).body.items;
    expect(mine).toHaveLength(4);
    for (const order of mine) await app.delete(`/api/trading/orders/${order.id}`, { as: person });
  });

  it('places its orders in their order, on several markets at once', async () => {
    const seller = await app.registers();
    const buyer = await app.registers();
    await givesEnergy(app, seller, '10', 'hydro');
    await givesEnergy(app, seller, '10', 'wind');
    await givesMoney(app, buyer, '100');
    await batch(seller, [
      ask('1', '3', { market: 'wind' }),
      ask('2', '3', { market: 'hydro' }),
      ask('3', '2', { market: 'wind' }),
      ask('4', '3', { market: 'wind' }),
    ]);
    const { body } = await batch(buyer, [
      bid('3.5', '3', { market: 'wind' }),
      bid('2.5', '9', { market: 'hydro' }),
    ]);
    expect(body.items).toMatchObject([
      {
        order: {
          status: 'filled',
          trades: [{ quantityKwh: '3.000' }, { quantityKwh: '0.500', amount: '1.500000' }],
        },
      },
      { order: { status: 'partially_filled', trades: [{ quantityKwh: '2.000', amount: '6.000000' }] } },
    ]);
    expect(await balanceOf(app, buyer, 'THB')).toEqual({ available: '82.000000', reserved: '4.500000' });
  });

  it('spends what an order of it brought in on the next one', async () => {
    const trader = await app.registers();
    const other = await app.registers();
    await givesEnergy(app, trader, '1', 'biomass');
    await givesEnergy(app, other, '1', 'mixed');
    await givesMoney(app, other, '10');
    const of = (market: string) => ({ market });
    await batch(other, [bid('1', '5', of('biomass')), ask('1', '4.95', of('mixed'))]);
    const { body } = await batch(trader, [
      bid('0.001', '1', of('mixed')),
      ask('1', '5', of('biomass')),
      bid('1', '4.95', of('mixed')),
      bid('0.001', '1', of('mixed')),
    ]);
    expect(body.items.map(({ order, error }: any) => order?.status ?? error.code)).toEqual([
      'INSUFFICIENT_BALANCE',
      'filled',
      'filled',
      'INSUFFICIENT_BALANCE',
    ]);
    expect(await balanceOf(app, trader, 'THB')).toEqual({ available: '0.000000', reserved: '0.000000' });
  });

  it('is answered once per idempotency key', async () => {
    const seller = await app.registers();
    await givesEnergy(app, seller, '10', 'geothermal');
    const orders = [ask('1', '3', { market: 'geothermal' }), ask('100', '3', { market: 'geothermal' })];
    const headers = { 'idempotency-key': 'batch of the morning' };
    expect((await batch(seller, orders, headers)).status).toBe(400);
    const key = { 'idempotency-key': 'batch-of-the-morning' };
    const first = await batch(seller, orders, key);
    expect(await batch(seller, orders, key)).toMatchObject({ status: 201, body: first.body });
    expect((await batch(seller, orders.slice(1), key)).body).toMatchObject({
      status: 409,
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    expect(await balanceOf(app, seller, 'energy:geothermal')).toEqual({
      available: '9.000',
      reserved: '1.000',
    });
  });

  it('places an order of one clientOrderId once, however often and on whichever market it is sent', async () => {
    const [seller, other] = [await app.registers(), await app.registers()];
    for (const person of [seller, other]) {
      await givesEnergy(app, person, '10', 'hydro');
      await givesEnergy(app, person, '10', 'biomass');
    }
    const named = (market: string) => ({ ...ask('1', '4'), market, clientOrderId: 'morning-1' });
    const codes = ({ body }: any) => body.items.map((item: any) => item.error?.code ?? item.status);
    expect(codes(await batch(seller, [named('hydro'), named('hydro')]))).toEqual([
      201,
      'CLIENT_ORDER_ID_TAKEN',
    ]);
    expect(codes(await batch(seller, [named('biomass'), { ...ask('1', '4'), market: 'biomass' }]))).toEqual([
      'CLIENT_ORDER_ID_TAKEN',
      201,
    ]);
    const racing = await Promise.all(
      ['hydro', 'biomass', 'hydro', 'biomass'].map((market) =>
        app.post('/api/trading/orders', { as: other, body: named(market) }),
      ),
    );
    expect(racing.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    const { body } = await app.get('/api/trading/orders', { as: other });
    expect(body.items).toHaveLength(1);
    expect(body.items[0]).toMatchObject({ clientOrderId: 'morning-1' });
  });

  it('is bounded, and not for everybody', async () => {
    const person = await app.registers();
    expect((await batch(undefined, [ask('1', '1')])).status).toBe(401);
    expect((await batch(await app.registers({ role: 'auditor' }), [ask('1', '1')])).status).toBe(403);
    expect((await batch(person, [])).status).toBe(400);
    expect((await batch(person, 'all')).status).toBe(400);
    expect(
      (
        await batch(
          person,
          Array.from({ length: 1_001 }, () => ask('1', '1')),
        )
      ).status,
    ).toBe(400);
  });

  it('trades a thousand orders with a thousand others at once', async () => {
    const seller = await app.registers();
    const buyer = await app.registers();
    await givesEnergy(app, seller, '2000');
    await givesMoney(app, buyer, '10000');
    const prices = Array.from({ length: 1_000 }, (_, index) => (2 + (index % 50) / 50).toFixed(2));
    const asks = await batch(
      seller,
      prices.map((price) => ask('1', price)),
    );
    const bids = await batch(
      buyer,
      prices.map(() => bid('1', '3')),
    );
    expect(asks.body.items.every(({ order }: any) => order.status === 'open')).toBe(true);
    expect(bids.body.items.every(({ order }: any) => order.status === 'filled')).toBe(true);
    const paid = bids.body.items.map(({ order }: any) => order.averagePrice);
    expect(paid).toEqual([...paid].sort());
    expect(await balanceOf(app, seller, 'energy:solar')).toEqual({
      available: '1000.000',
      reserved: '0.000',
    });
    expect((await balanceOf(app, buyer, 'THB')).reserved).toBe('0.000000');
  });
});
