import { startApp, type Person, type TestApp } from './support/app';
import { balanceOf, expectBooksToBalance, givesEnergy, givesMoney } from './support/market';

const MONEY = 'THB';
const UNKNOWN = '01890000-0000-7000-8000-000000000000';

describe('orders on a continuous market', () => {
  let app: TestApp;
  let market: string;
  let markets = 0;

  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());
  afterEach(() => expectBooksToBalance(app));

  /** Every scenario has a market of its own, so that none meets another one's orders. */
  beforeEach(async () => {
    market = `scenario-${++markets}`;
    const body = { id: market, energySource: 'solar' };
    expect((await app.post('/api/trading/markets', { as: app.admin, body })).status).toBe(201);
  });

  const trader = async ({ money, energy }: { money?: string; energy?: string } = {}): Promise<Person> => {
    const person = await app.registers();
    if (money !== undefined) await givesMoney(app, person, money);
    if (energy !== undefined) await givesEnergy(app, person, energy);
    return person;
  };
  const order = (as: Person, body: object) =>
    app.post('/api/trading/orders', { as, body: { market, ...body } });
  const sells = (as: Person, quantityKwh: string, pricePerKwh: string, more: object = {}) =>
    order(as, { side: 'sell', quantityKwh, pricePerKwh, ...more });
  const buys = (as: Person, quantityKwh: string, pricePerKwh: string, more: object = {}) =>
    order(as, { side: 'buy', quantityKwh, pricePerKwh, ...more });
  const book = async () => (await app.get(`/api/trading/orderbook/${market}`)).body;
  const money = (person: Person) => balanceOf(app, person, MONEY);
  const energy = (person: Person) => balanceOf(app, person, 'energy:solar');

  describe('escrow and settlement', () => {
    it('reserves the energy of a sell that waits', async () => {
      const seller = await trader({ energy: '10' });
      const placed = await sells(seller, '4', '3.5');
      expect(placed).toMatchObject({
        status: 201,
        body: {
          market,
          side: 'sell',
          type: 'limit',
          timeInForce: 'gtc',
          status: 'open',
          pricePerKwh: '3.500000',
          quantityKwh: '4.000',
          filledKwh: '0.000',
          remainingKwh: '4.000',
          averagePrice: null,
          reason: null,
          trades: [],
        },
      });
      expect(await energy(seller)).toEqual({ available: '6.000', reserved: '4.000' });
    });

    it('reserves the money of a buy at its limit, rounded up to the micro-unit', async () => {
      const buyer = await trader({ money: '10' });
      const placed = await buys(buyer, '0.333', '3.001');
      expect(placed.body.status).toBe('open');
      expect(await money(buyer)).toEqual({ available: '9.000667', reserved: '0.999333' });
    });

    it('trades at the resting price, takes the fee from the seller, and gives the rest of the reserve back', async () => {
      const seller = await trader({ energy: '10' });
      const buyer = await trader({ money: '100' });
      const ask = await sells(seller, '2', '3');
      const bid = await buys(buyer, '3', '4');
      expect(bid.body).toMatchObject({
        status: 'partially_filled',
        filledKwh: '2.000',
        remainingKwh: '1.000',
        averagePrice: '3.000000',
        trades: [{ quantityKwh: '2.000', pricePerKwh: '3.000000', amount: '6.000000' }],
      });
      expect(bid.body.trades[0]).not.toHaveProperty('fee');
      expect(await money(buyer)).toEqual({ available: '90.000000', reserved: '4.000000' });
      expect(await energy(buyer)).toEqual({ available: '2.000', reserved: '0.000' });
      expect(await money(seller)).toEqual({ available: '5.940000', reserved: '0.000000' });
      expect(await energy(seller)).toEqual({ available: '8.000', reserved: '0.000' });
      const [fees] = await app.database.query('SELECT balance FROM ledger_accounts WHERE platform = $1', [
        `fees:${market}`,
      ]);
      expect(fees).toEqual({ balance: 60_000n });
      const mine = await app.get(`/api/trading/orders/${ask.body.id}`, { as: seller });
      expect(mine.body).toMatchObject({
        status: 'filled',
        filledAt: expect.any(String),
        trades: [{ id: bid.body.trades[0].id, amount: '6.000000', fee: '0.060000' }],
      });
    });

    it('rounds every fill down and loses not a micro-unit of the reserve', async () => {
      const fine = `${market}-fine`;
      const terms = { id: fine, energySource: 'solar', tick: '0.000001' };
      await app.post('/api/trading/markets', { as: app.admin, body: terms });
      const buyer = await trader({ money: '1' });
      const seller = await trader({ energy: '1' });
      await buys(buyer, '0.003', '10.333337', { market: fine });
      expect(await money(buyer)).toEqual({ available: '0.968999', reserved: '0.031001' });
      const reserves: string[] = [];
      for (let fill = 0; fill < 3; fill++) {
        await sells(seller, '0.001', '10.333337', { market: fine });
        reserves.push((await money(buyer)).reserved);
      }
      expect(reserves).toEqual(['0.020667', '0.010334', '0.000000']);
      expect(await money(buyer)).toEqual({ available: '0.969001', reserved: '0.000000' });
      expect(await money(seller)).toEqual({ available: '0.030690', reserved: '0.000000' });
    });

    it('lets a seller buy at once with what the sale brought in', async () => {
      const seller = await trader({ energy: '1' });
      const other = await trader({ money: '10', energy: '5' });
      await buys(other, '1', '4');
      await sells(other, '0.5', '5');
      await sells(seller, '1', '4');
      expect((await buys(seller, '0.5', '5')).body.status).toBe('filled');
      expect(await money(seller)).toEqual({ available: '1.460000', reserved: '0.000000' });
    });

    it('refuses what is not covered, and reserves nothing for it', async () => {
      const poor = await trader({ money: '1', energy: '1' });
      const bid = await buys(poor, '1', '1.001');
      expect(bid).toMatchObject({ status: 422, body: { code: 'INSUFFICIENT_BALANCE' } });
      expect((await sells(poor, '1.001', '1')).body.code).toBe('INSUFFICIENT_BALANCE');
      expect(await money(poor)).toEqual({ available: '1.000000', reserved: '0.000000' });
      expect(await book()).toMatchObject({ sequence: 0, bids: [], asks: [] });
    });
  });

  describe('priority', () => {
    it('serves the better price first, then the earlier order', async () => {
      const sellers = await Promise.all([1, 2, 3].map(() => trader({ energy: '1' })));
      const [dear, first, second] = sellers as [Person, Person, Person];
      await sells(dear, '1', '4');
      await sells(first, '1', '3');
      await sells(second, '1', '3');
      const buyer = await trader({ money: '100' });
      const { body } = await buys(buyer, '2.5', '5');
      expect(body.trades.map((trade: any) => [trade.quantityKwh, trade.pricePerKwh])).toEqual([
        ['1.000', '3.000000'],
        ['1.000', '3.000000'],
        ['0.500', '4.000000'],
      ]);
      expect((await energy(first)).reserved).toBe('0.000');
      expect((await energy(second)).reserved).toBe('0.000');
      expect((await energy(dear)).reserved).toBe('0.500');
      expect(body.averagePrice).toBe('3.200000');
    });

    it('sells to the highest bid first', async () => {
      const buyer = await trader({ money: '100' });
      const low = await buys(buyer, '1', '2');
      const high = await buys(buyer, '1', '3');
      const seller = await trader({ energy: '1' });
      expect((await sells(seller, '1', '1')).body.trades).toMatchObject([
        { pricePerKwh: '3.000000', fee: '0.030000' },
      ]);
      const status = async (id: string) =>
        (await app.get(`/api/trading/orders/${id}`, { as: buyer })).body.status;
      expect([await status(high.body.id), await status(low.body.id)]).toEqual(['filled', 'open']);
    });
  });

  describe('time in force', () => {
    it('cancels what an ioc order cannot fill at once', async () => {
      await sells(await trader({ energy: '1' }), '1', '3');
      const buyer = await trader({ money: '10' });
      expect((await buys(buyer, '2', '3', { timeInForce: 'ioc' })).body).toMatchObject({
        status: 'cancelled',
        reason: 'no_liquidity',
        filledKwh: '1.000',
        remainingKwh: '1.000',
      });
      expect(await money(buyer)).toEqual({ available: '7.000000', reserved: '0.000000' });
    });

    it('fills a fok order in full or not at all', async () => {
      const seller = await trader({ energy: '2' });
      await sells(seller, '1', '3');
      const buyer = await trader({ money: '10' });
      const tooMuch = await buys(buyer, '1.001', '3', { timeInForce: 'fok' });
      expect(tooMuch.body).toMatchObject({
        status: 'cancelled',
        reason: 'not_fillable',
        filledKwh: '0.000',
        trades: [],
      });
      expect(await money(buyer)).toEqual({ available: '10.000000', reserved: '0.000000' });
      expect((await buys(buyer, '1', '3', { timeInForce: 'fok' })).body.status).toBe('filled');
    });

    it('lets a gtd order wait until its time', async () => {
      const seller = await trader({ energy: '2' });
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      const { status, body } = await sells(seller, '1', '3', { timeInForce: 'gtd', expiresAt });
      expect([status, body.status, body.expiresAt]).toEqual([201, 'open', expiresAt]);
      const unsaid = await sells(seller, '1', '3', { expiresAt, maxAmount: null });
      expect(unsaid).toMatchObject({ status: 201, body: { timeInForce: 'gtd', expiresAt } });
      const past = await sells(seller, '1', '3', { timeInForce: 'gtd', expiresAt: '2020-01-01T00:00:00Z' });
      expect(past).toMatchObject({ status: 422, body: { code: 'EXPIRY_NOT_IN_FUTURE' } });
    });
  });

  describe('market orders', () => {
    it('buy as much as the maximum pays, exactly', async () => {
      const seller = await trader({ energy: '10' });
      await sells(seller, '1', '2');
      await sells(seller, '9', '3');
      const buyer = await trader({ money: '20' });
      const body = { side: 'buy', type: 'market', quantityKwh: '5', maxAmount: '3.5' };
      expect((await order(buyer, body)).body).toMatchObject({
        type: 'market',
        timeInForce: 'ioc',
        pricePerKwh: null,
        maxAmount: '3.500000',
        status: 'cancelled',
        reason: 'max_amount_reached',
        filledKwh: '1.500',
      });
      expect(await money(buyer)).toEqual({ available: '16.500000', reserved: '0.000000' });
    });

    it('give back what a buy did not cost', async () => {
      await sells(await trader({ energy: '1' }), '1', '2');
      const buyer = await trader({ money: '20' });
      const body = { side: 'buy', type: 'market', quantityKwh: '1', maxAmount: '20' };
      expect((await order(buyer, body)).body).toMatchObject({
        status: 'filled',
        averagePrice: '2.000000',
        reason: null,
      });
      expect(await money(buyer)).toEqual({ available: '18.000000', reserved: '0.000000' });
    });

    it('reserve the maximum, so it has to be there', async () => {
      const buyer = await trader({ money: '5' });
      const body = { side: 'buy', type: 'market', quantityKwh: '1', maxAmount: '5.000001' };
      expect((await order(buyer, body)).body.code).toBe('INSUFFICIENT_BALANCE');
    });

    it('sell at any price, and are cancelled when nobody buys', async () => {
      const seller = await trader({ energy: '3' });
      const alone = await order(seller, { side: 'sell', type: 'market', quantityKwh: '1' });
      expect(alone).toMatchObject({
        status: 201,
        body: { status: 'cancelled', reason: 'no_liquidity', filledKwh: '0.000' },
      });
      await buys(await trader({ money: '1' }), '2', '0.01');
      expect((await order(seller, { side: 'sell', type: 'market', quantityKwh: '3' })).body).toMatchObject({
        status: 'cancelled',
        filledKwh: '2.000',
        averagePrice: '0.010000',
      });
      expect(await energy(seller)).toEqual({ available: '1.000', reserved: '0.000' });
    });
  });

  describe('self-trade', () => {
    it('cancels the crossing rest of the newer order and leaves the older one', async () => {
      const both = await trader({ money: '100', energy: '10' });
      const other = await trader({ energy: '1' });
      const own = await sells(both, '1', '3');
      await sells(other, '1', '2');
      expect((await buys(both, '3', '3')).body).toMatchObject({
        status: 'cancelled',
        reason: 'self_trade',
        filledKwh: '1.000',
        trades: [{ pricePerKwh: '2.000000' }],
      });
      expect((await app.get(`/api/trading/orders/${own.body.id}`, { as: both })).body.status).toBe('open');
      expect(await money(both)).toEqual({ available: '98.000000', reserved: '0.000000' });
      expect(await energy(both)).toEqual({ available: '10.000', reserved: '1.000' });
    });
  });

  describe('cancelling', () => {
    it('gives back what the rest had reserved', async () => {
      const seller = await trader({ energy: '5' });
      const { body: ask } = await sells(seller, '5', '3');
      await buys(await trader({ money: '10' }), '2', '3');
      const cancelled = await app.delete(`/api/trading/orders/${ask.id}`, { as: seller });
      expect(cancelled).toMatchObject({
        status: 200,
        body: {
          id: ask.id,
          status: 'cancelled',
          reason: 'cancelled_by_owner',
          filledKwh: '2.000',
          remainingKwh: '3.000',
        },
      });
      expect(await energy(seller)).toEqual({ available: '3.000', reserved: '0.000' });
      expect((await book()).asks).toEqual([]);
      const again = await app.delete(`/api/trading/orders/${ask.id}`, { as: seller });
      expect(again).toMatchObject({ status: 409, body: { code: 'ORDER_NOT_OPEN' } });
    });

    it('is for the owner, and for nobody else', async () => {
      const seller = await trader({ energy: '5' });
      const { body: ask } = await sells(seller, '5', '3');
      const path = `/api/trading/orders/${ask.id}`;
      expect((await app.delete(path)).status).toBe(401);
      expect((await app.delete(path, { as: await trader() })).body).toMatchObject({
        status: 404,
        code: 'ORDER_NOT_FOUND',
      });
      expect((await app.delete(path, { as: app.admin })).status).toBe(404);
      expect((await app.delete(path, { as: await app.registers({ role: 'auditor' }) })).status).toBe(403);
      expect((await app.delete('/api/trading/orders/42', { as: seller })).status).toBe(400);
      expect((await app.delete(`/api/trading/orders/${UNKNOWN}`, { as: seller })).status).toBe(404);
      expect((await app.get(path, { as: seller })).body.status).toBe('open');
    });
  });

  describe('what owners read', () => {
    it('lists their own orders, filtered, newest first, page by page', async () => {
      const person = await trader({ money: '100', energy: '10' });
      const ids: string[] = [];
      for (const price of ['1', '2', '3']) ids.unshift((await buys(person, '1', price)).body.id);
      ids.unshift((await sells(person, '1', '9')).body.id);
      await app.delete(`/api/trading/orders/${ids[3]}`, { as: person });
      const list = async (query: string) => {
        const { body } = await app.get(`/api/trading/orders${query}`, { as: person });
        return { ids: body.items.map(({ id }: { id: string }) => id), next: body.nextCursor };
      };
      expect((await list('')).ids).toEqual(ids);
      expect((await list(`?side=sell&market=${market}`)).ids).toEqual(ids.slice(0, 1));
      expect((await list('?status=open&side=buy')).ids).toEqual(ids.slice(1, 3));
      expect((await list('?status=cancelled')).ids).toEqual(ids.slice(3));
      expect((await list('?market=solar')).ids).toEqual([]);
      const first = await list('?limit=3');
      expect(first.ids).toEqual(ids.slice(0, 3));
      expect(await list(`?limit=3&cursor=${first.next}`)).toEqual({ ids: ids.slice(3), next: null });
    });

    it('shows an order to its owner and to those who see everything', async () => {
      const person = await trader({ money: '100' });
      const { body: bid } = await buys(person, '1', '1');
      const path = `/api/trading/orders/${bid.id}`;
      expect((await app.get(path, { as: person })).body).toEqual({ ...bid, trades: [] });
      expect((await app.get(path, { as: await app.registers({ role: 'auditor' }) })).status).toBe(200);
      expect((await app.get(path, { as: await app.registers({ role: 'operator' }) })).status).toBe(200);
      expect((await app.get(path, { as: await trader() })).body).toMatchObject({
        status: 404,
        code: 'ORDER_NOT_FOUND',
      });
      expect((await app.get(path)).status).toBe(401);
      expect((await app.get('/api/trading/orders')).status).toBe(401);
      expect(
        (await app.get('/api/trading/orders?status=lost&colour=red', { as: person })).body,
      ).toMatchObject({
        status: 400,
        errors: expect.arrayContaining([expect.objectContaining({ field: 'status' })]),
      });
      expect((await app.get('/api/trading/orders?cursor=nonsense', { as: person })).status).toBe(400);
    });

    it('tells both parties of a trade their own side, and no names', async () => {
      const seller = await trader({ energy: '1' });
      const buyer = await trader({ money: '10' });
      const ask = await sells(seller, '1', '2');
      const bid = await buys(buyer, '1', '2');
      const history = async (as: Person) => (await app.get('/api/trading/history', { as })).body.items;
      const trade = {
        id: bid.body.trades[0].id,
        market,
        quantityKwh: '1.000',
        pricePerKwh: '2.000000',
        amount: '2.000000',
      };
      const executedAt = expect.any(String);
      expect(await history(buyer)).toEqual([{ ...trade, side: 'buy', orderId: bid.body.id, executedAt }]);
      expect(await history(seller)).toEqual([
        { ...trade, side: 'sell', orderId: ask.body.id, fee: '0.020000', executedAt },
      ]);
      expect(await history(await trader())).toEqual([]);
      const on = async (where: string) =>
        (await app.get(`/api/trading/history?market=${where}`, { as: buyer })).body;
      expect((await on(market)).items).toHaveLength(1);
      expect((await on('wind-auction')).items).toEqual([]);
      expect((await app.get('/api/trading/history')).status).toBe(401);
    });

    it('pages through the history', async () => {
      const seller = await trader({ energy: '5' });
      const buyer = await trader({ money: '10' });
      await sells(seller, '5', '2');
      for (let trade = 0; trade < 5; trade++) await buys(buyer, '1', '2');
      const seen: string[] = [];
      let cursor = '';
      for (let page = 0; page < 3; page++) {
        const { body } = await app.get(`/api/trading/history?limit=2${cursor}`, { as: buyer });
        seen.push(...body.items.map(({ id }: { id: string }) => id));
        cursor = `&cursor=${body.nextCursor}`;
      }
      expect(cursor).toBe('&cursor=null');
      expect([...seen].sort().reverse()).toEqual(seen);
      expect(new Set(seen).size).toBe(5);
    });
  });

  describe('what is refused', () => {
    it('is every order without a token or of an auditor', async () => {
      const body = { market, side: 'buy', quantityKwh: '1', pricePerKwh: '1' };
      expect((await app.post('/api/trading/orders', { body })).status).toBe(401);
      const auditor = await app.registers({ role: 'auditor' });
      expect((await app.post('/api/trading/orders', { as: auditor, body })).status).toBe(403);
    });

    it.each<[string, object, string[]]>([
      ['nothing at all', { market: undefined }, ['market', 'side', 'quantityKwh']],
      [
        'numbers instead of strings',
        { side: 'buy', quantityKwh: 1, pricePerKwh: 1 },
        ['quantityKwh', 'pricePerKwh'],
      ],
      [
        'too many decimals',
        { side: 'buy', quantityKwh: '0.0001', pricePerKwh: '1.0000001' },
        ['quantityKwh', 'pricePerKwh'],
      ],
      [
        'nothing to trade',
        { side: 'sell', quantityKwh: '0', pricePerKwh: '-1' },
        ['quantityKwh', 'pricePerKwh'],
      ],
      ['an unknown side', { side: 'lend', quantityKwh: '1', pricePerKwh: '1' }, ['side']],
      ['somebody else as owner', { side: 'buy', quantityKwh: '1', pricePerKwh: '1', userId: UNKNOWN }, ['']],
      ['a limit order without a limit', { side: 'buy', quantityKwh: '1' }, ['pricePerKwh']],
      [
        'a maximum of a limit order',
        { side: 'buy', quantityKwh: '1', pricePerKwh: '1', maxAmount: '1' },
        ['maxAmount'],
      ],
      ['a market buy without a maximum', { side: 'buy', type: 'market', quantityKwh: '1' }, ['maxAmount']],
      [
        'a market sell with a maximum',
        { side: 'sell', type: 'market', quantityKwh: '1', maxAmount: '1' },
        ['maxAmount'],
      ],
      [
        'a market order with a price',
        { side: 'sell', type: 'market', quantityKwh: '1', pricePerKwh: '1' },
        ['pricePerKwh'],
      ],
      [
        'a market order that waits',
        { side: 'sell', type: 'market', quantityKwh: '1', timeInForce: 'gtc' },
        ['timeInForce'],
      ],
      [
        'gtd without an end',
        { side: 'sell', quantityKwh: '1', pricePerKwh: '1', timeInForce: 'gtd' },
        ['expiresAt'],
      ],
      [
        'an end without gtd',
        {
          side: 'sell',
          quantityKwh: '1',
          pricePerKwh: '1',
          timeInForce: 'gtc',
          expiresAt: '2100-01-01T00:00:00Z',
        },
        ['expiresAt'],
      ],
      [
        'a market that cannot be',
        { market: 'So/lar', side: 'sell', quantityKwh: '1', pricePerKwh: '1' },
        ['market'],
      ],
    ])('as input: %s', async (_, body, fields) => {
      const person = await trader();
      const answer = await order(person, body);
      expect([answer.status, answer.body.code]).toEqual([400, 'INVALID_INPUT']);
      expect(answer.body.errors.map(({ field }: { field: string }) => field)).toEqual(fields);
    });

    it.each<[string, object]>([
      ['QUANTITY_OUT_OF_RANGE', { quantityKwh: '100000.001' }],
      ['PRICE_OUT_OF_RANGE', { pricePerKwh: '0.009' }],
      ['PRICE_OUT_OF_RANGE', { pricePerKwh: '10000.001' }],
      ['PRICE_NOT_ON_TICK', { pricePerKwh: '1.0005' }],
      [
        'AMOUNT_OUT_OF_RANGE',
        { type: 'market', side: 'buy', pricePerKwh: undefined, maxAmount: '1000000000.000001' },
      ],
    ])('by a rule of the market: %s', async (code, changes) => {
      const person = await trader({ energy: '1' });
      const answer = await order(person, { side: 'sell', quantityKwh: '1', pricePerKwh: '1', ...changes });
      expect(answer).toMatchObject({ status: 422, body: { code } });
    });

    it('is an order on a market that is not there', async () => {
      const person = await trader({ energy: '1' });
      expect(await sells(person, '1', '1', { market: 'coal' })).toMatchObject({
        status: 404,
        body: { code: 'MARKET_NOT_FOUND' },
      });
    });
  });

  it('leaves a trail of who placed and cancelled what', async () => {
    const seller = await trader({ energy: '5' });
    const { body: ask } = await sells(seller, '5', '3');
    await app.delete(`/api/trading/orders/${ask.id}`, { as: seller });
    const { body } = await app.get(`/api/admin/audit?userId=${seller.id}`, { as: app.admin });
    expect(body.items.filter(({ entityId }: { entityId: string }) => entityId === ask.id)).toMatchObject([
      { action: 'trading.order_cancelled', before: { status: 'open' }, after: { status: 'cancelled' } },
      {
        action: 'trading.order_placed',
        entity: 'trading_orders',
        after: { market, side: 'sell', quantityKwh: '5.000' },
      },
    ]);
  });

  it('counts operations by result', async () => {
    const seller = await trader({ energy: '1' });
    const counted = async (operation: string, result: string): Promise<number> => {
      const { body } = await app.get('/metrics');
      const line = new RegExp(
        `^trading_operations_total\\{operation="${operation}",result="${result}"\\} (\\d+)$`,
        'm',
      );
      return Number(line.exec(body as string)?.[1] ?? 0);
    };
    const before = [
      await counted('order', 'ok'),
      await counted('order', 'refused'),
      await counted('cancel', 'ok'),
    ];
    const { body: ask } = await sells(seller, '1', '3');
    await sells(seller, '1', '3');
    await app.delete(`/api/trading/orders/${ask.id}`, { as: seller });
    const after = [
      await counted('order', 'ok'),
      await counted('order', 'refused'),
      await counted('cancel', 'ok'),
    ];
    expect(after).toEqual(before.map((count) => count + 1));
  });

  // Last: the registry of metrics is one per process, and that of a closed application cannot tell its pool.
  it('refuses every order before the e-mail address is verified, where that is demanded', async () => {
    const strict = await startApp({ REQUIRE_VERIFIED_EMAIL: 'true' });
    try {
      const person = await strict.registers();
      const body = { market: 'solar', side: 'buy', quantityKwh: '1', pricePerKwh: '1' };
      const one = await strict.post('/api/trading/orders', { as: person, body });
      expect(one).toMatchObject({ status: 403, body: { code: 'EMAIL_NOT_VERIFIED' } });
      const many = await strict.post('/api/trading/orders/batch', { as: person, body: { orders: [body] } });
      expect(many.status).toBe(403);
    } finally {
      await strict.close();
    }
  });
});
