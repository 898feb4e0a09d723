import { startApp, type Person, type TestApp } from './support/app';
import { balanceOf, expectBooksToBalance, givesEnergy, givesMoney } from './support/market';

const THB = 'THB';
const SOLAR = 'energy:solar';

describe('trading at the same time', () => {
  let app: TestApp;
  let second: TestApp;

  beforeAll(async () => {
    app = await startApp();
    second = await startApp({}, app.urls);
  });
  afterAll(async () => {
    await second.close();
    await app.close();
  });
  afterEach(() => expectBooksToBalance(app));

  const order = (at: TestApp, as: Person, body: object, headers: Record<string, string> = {}) =>
    at.post('/api/trading/orders', { as, body: { market: 'solar', ...body }, headers });
  const traders = async (count: number, money: string, energy: string): Promise<Person[]> => {
    const people: Person[] = [];
    for (let index = 0; index < count; index++) {
      const person = await app.registers();
      await givesMoney(app, person, money);
      await givesEnergy(app, person, energy);
      people.push(person);
    }
    return people;
  };

  /** What the market promises of its orders and trades, whatever happened on it. */
  const expectOrdersToAgreeWithBooks = async () => {
    const wrongReserves = await app.database.query(
      `SELECT a.user_id, a.asset, a.balance, coalesce(sum(o.reserved_amount), 0) AS reserved
         FROM ledger_accounts a
         LEFT JOIN markets m ON a.asset = 'energy:' || m.energy_source
         LEFT JOIN trading_orders o ON o.user_id = a.user_id
                AND CASE WHEN a.asset = 'THB' THEN o.side = 'buy' ELSE o.side = 'sell' AND o.market = m.id END
        WHERE a.bucket = 'reserved' AND a.user_id IS NOT NULL
        GROUP BY a.id HAVING a.balance <> coalesce(sum(o.reserved_amount), 0)`,
    );
    const wrongFills = await app.database.query(
      `SELECT o.id FROM trading_orders o LEFT JOIN trades t ON o.id IN (t.buy_order_id, t.sell_order_id)
        GROUP BY o.id HAVING o.filled_wh <> coalesce(sum(t.quantity_wh), 0) OR o.filled_amount <> coalesce(sum(t.amount), 0)`,
    );
    const crossed = await app.database.query(
      `SELECT b.market FROM trading_orders b JOIN trading_orders s ON s.market = b.market
        WHERE b.side = 'buy' AND s.side = 'sell' AND b.price_per_kwh >= s.price_per_kwh
          AND b.status IN ('open', 'partially_filled') AND s.status IN ('open', 'partially_filled')`,
    );
    const numbers = await app.database.query(
      `SELECT m.id FROM markets m JOIN (SELECT market, sequence FROM trading_orders UNION ALL SELECT market, sequence FROM trades) s
           ON s.market = m.id
        GROUP BY m.id HAVING count(*) <> count(DISTINCT s.sequence) OR max(s.sequence) > m.sequence`,
    );
    expect({ wrongReserves, wrongFills, crossed, numbers }).toEqual({
      wrongReserves: [],
      wrongFills: [],
      crossed: [],
      numbers: [],
    });
  };

  it('conserves everything while many people on two processes place and cancel on one market', async () => {
    const people = await traders(13, '100', '20');
    const jobs = people.flatMap((person, index) => {
      const at = index % 2 === 0 ? app : second;
      const price = (steps: number) => (3 + ((index * 7 + steps * 3) % 10) / 10).toFixed(1);
      return [
        () => order(at, person, { side: 'sell', quantityKwh: '3', pricePerKwh: price(1) }),
        () => order(at, person, { side: 'buy', quantityKwh: '2', pricePerKwh: price(2) }),
        () => order(at, person, { side: 'buy', type: 'market', quantityKwh: '1', maxAmount: '3.3' }),
        async () => {
          const placed = await order(at, person, { side: 'sell', quantityKwh: '1', pricePerKwh: price(3) });
          await at.delete(`/api/trading/orders/${placed.body.id}`, { as: person });
          return placed;
        },
      ];
    });
    const answers = await Promise.all(jobs.map((job) => job()));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(answers.some(({ body }) => body.trades.length > 0)).toBe(true);
    await expectOrdersToAgreeWithBooks();
    const [sums] = await app.database.query<Record<string, bigint>>(
      `SELECT sum(balance) FILTER (WHERE asset = $1)::bigint AS money, sum(balance) FILTER (WHERE asset = $2)::bigint AS energy
         FROM ledger_accounts WHERE user_id IS NOT NULL OR platform LIKE 'fees:%'`,
      [THB, SOLAR],
    );
    expect(sums).toEqual({ money: 1_300_000_000n, energy: 260_000n });
  });

  it('never sells the same watt-hour twice', async () => {
    const [seller, ...buyers] = (await traders(26, '100', '0.001')) as [Person, ...Person[]];
    await givesEnergy(app, seller, '10', 'hydro');
    const hydro = { market: 'hydro', pricePerKwh: '2' };
    const { body: ask } = await order(app, seller, { ...hydro, side: 'sell', quantityKwh: '10' });
    const answers = await Promise.all(
      buyers.map((buyer, index) =>
        order(index % 2 === 0 ? app : second, buyer, {
          ...hydro,
          side: 'buy',
          quantityKwh: '1',
          timeInForce: 'fok',
        }),
      ),
    );
    expect(answers.filter(({ body }) => body.status === 'filled')).toHaveLength(10);
    expect(answers.filter(({ body }) => body.reason === 'not_fillable')).toHaveLength(15);
    expect((await app.get(`/api/trading/orders/${ask.id}`, { as: seller })).body.status).toBe('filled');
    expect(await balanceOf(app, seller, THB)).toEqual({ available: '119.800000', reserved: '0.000000' });
    await expectOrdersToAgreeWithBooks();
  });

  it('never spends the same money twice, on however many markets', async () => {
    const [spender] = (await traders(1, '10', '0.001')) as [Person];
    const markets = ['wind', 'hydro', 'biomass', 'geothermal', 'mixed'];
    const answers = await Promise.all(
      [...markets, ...markets].map((market, index) =>
        order(index % 2 === 0 ? app : second, spender, {
          market,
          side: 'buy',
          quantityKwh: '3',
          pricePerKwh: '1',
        }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    expect(answers.filter(({ body }) => body.code === 'INSUFFICIENT_BALANCE')).toHaveLength(7);
    expect(await balanceOf(app, spender, THB)).toEqual({ available: '1.000000', reserved: '9.000000' });
    await expectOrdersToAgreeWithBooks();
  });

  it('lets crossing batches on several markets pass, whoever waits for whom', async () => {
    const [ann, bob] = (await traders(2, '1000', '100')) as [Person, Person];
    for (const person of [ann, bob]) await givesEnergy(app, person, '100', 'wind');
    const orders = (markets: string[]) =>
      markets.flatMap((market) => [
        { market, side: 'sell', quantityKwh: '1', pricePerKwh: '5' },
        { market, side: 'buy', quantityKwh: '1', pricePerKwh: '5', timeInForce: 'ioc' },
      ]);
    const batches = Array.from({ length: 12 }, (_, index) => {
      const at = index % 2 === 0 ? app : second;
      const body = { orders: orders(index % 3 === 0 ? ['wind', 'solar'] : ['solar', 'wind']) };
      return at.post('/api/trading/orders/batch', { as: index % 4 < 2 ? ann : bob, body });
    });
    const answers = await Promise.all(batches);
    expect(answers.map(({ status }) => status)).toEqual(batches.map(() => 201));
    expect(answers.flatMap(({ body }) => body.items).every(({ status }) => status === 201)).toBe(true);
    await expectOrdersToAgreeWithBooks();
  });

  it('places an order once per idempotency key, also when the same request comes many times at once', async () => {
    const [buyer] = (await traders(1, '100', '0.001')) as [Person];
    const body = { market: 'geothermal', side: 'buy', quantityKwh: '1', pricePerKwh: '2' };
    const key = { 'idempotency-key': 'order-1' };
    const answers = await Promise.all(
      [app, second, app, second, app, second].map((at) => order(at, buyer, body, key)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(await balanceOf(app, buyer, THB)).toEqual({ available: '98.000000', reserved: '2.000000' });
    expect((await order(app, buyer, body, key)).body).toEqual(answers[0]?.body);
    const other = await order(app, buyer, { ...body, quantityKwh: '2' }, key);
    expect(other).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
  });

  it('forgets the key of an order that was refused: it may be sent again', async () => {
    const [buyer] = (await traders(1, '1', '0.001')) as [Person];
    const body = { market: 'geothermal', side: 'buy', quantityKwh: '1', pricePerKwh: '2' };
    const key = { 'idempotency-key': 'order-1' };
    expect((await order(app, buyer, body, key)).body.code).toBe('INSUFFICIENT_BALANCE');
    await givesMoney(app, buyer, '1');
    expect((await order(app, buyer, body, key)).status).toBe(201);
  });

  it('keeps the priority of what rests when processes come and go', async () => {
    const [first, then, buyer] = (await traders(3, '100', '0.001')) as [Person, Person, Person];
    for (const person of [first, then]) await givesEnergy(app, person, '10', 'biomass');
    const ask = { market: 'biomass', side: 'sell', quantityKwh: '1', pricePerKwh: '4' };
    const earlier = await order(second, first, ask);
    const later = await order(app, then, ask);
    const third = await startApp({}, app.urls);
    try {
      const bought = await order(third, buyer, { ...ask, side: 'buy' });
      expect(bought.body.status).toBe('filled');
    } finally {
      await third.close();
    }
    expect((await app.get(`/api/trading/orders/${earlier.body.id}`, { as: first })).body.status).toBe(
      'filled',
    );
    expect((await app.get(`/api/trading/orders/${later.body.id}`, { as: then })).body.status).toBe('open');
  });

  it('matches deep into a book, page by page', async () => {
    const [seller, buyer] = (await traders(2, '100000', '0.001')) as [Person, Person];
    await givesEnergy(app, seller, '1000', 'mixed');
    const asks = Array.from({ length: 650 }, (_, index) => ({
      market: 'mixed',
      side: 'sell',
      quantityKwh: '1',
      pricePerKwh: (2 + (index % 13) / 10).toFixed(1),
    }));
    await app.post('/api/trading/orders/batch', { as: seller, body: { orders: asks } });
    const { body } = await order(app, buyer, {
      market: 'mixed',
      side: 'buy',
      quantityKwh: '640',
      pricePerKwh: '9',
    });
    expect(body).toMatchObject({ status: 'filled', filledKwh: '640.000' });
    const prices = body.trades.map(({ pricePerKwh }: { pricePerKwh: string }) => pricePerKwh);
    expect(prices).toEqual([...prices].sort());
    const bids = asks.map((one) => ({
      ...one,
      side: 'buy',
      pricePerKwh: (Number(one.pricePerKwh) - 1).toFixed(1),
    }));
    await app.post('/api/trading/orders/batch', { as: buyer, body: { orders: bids } });
    await givesEnergy(app, seller, '1000', 'mixed');
    const sold = await order(app, seller, {
      market: 'mixed',
      side: 'sell',
      quantityKwh: '645',
      pricePerKwh: '0.5',
    });
    expect(sold.body).toMatchObject({ status: 'filled', filledKwh: '645.000' });
    const bidPrices = sold.body.trades.map(({ pricePerKwh }: { pricePerKwh: string }) => pricePerKwh);
    expect(bidPrices).toEqual([...bidPrices].sort().reverse());
    await expectOrdersToAgreeWithBooks();
  });
});
