import { MarketsService } from '../src/trading/markets.service';
import { startApp, type Person, type TestApp } from './support/app';
import { givesEnergy, givesMoney } from './support/market';

describe('markets', () => {
  let app: TestApp;
  let seller: Person;
  let buyer: Person;

  beforeAll(async () => {
    app = await startApp();
    [seller, buyer] = [await app.registers(), await app.registers()];
    for (const source of ['solar', 'wind'] as const) await givesEnergy(app, seller, '1000', source);
    await givesMoney(app, buyer, '1000');
  });
  afterAll(() => app.close());

  const order = (as: Person, body: object) => app.post('/api/trading/orders', { as, body });
  const creates = (body: object, as: Person | undefined = app.admin) =>
    app.post('/api/trading/markets', { as, body });
  const changes = (market: string, status: string, as: Person | undefined = app.admin) =>
    app.patch(`/api/trading/markets/${market}`, { as, body: { status } });

  describe('at first start', () => {
    it('are a continuous one per energy source, and a halted one for its auctions', async () => {
      const { status, body } = await app.get('/api/trading/markets');
      expect(status).toBe(200);
      const sources = ['biomass', 'geothermal', 'hydro', 'mixed', 'solar', 'wind'];
      expect(body).toMatchObject({
        nextCursor: null,
        items: sources.flatMap((source) => [
          { id: source, mechanism: 'continuous', energySource: source, status: 'open', feeBps: 100 },
          { id: `${source}-auction`, mechanism: 'auction', energySource: source, status: 'halted' },
        ]),
      });
    });

    it('come to be once, however many processes start', async () => {
      const service = app.nest.get(MarketsService);
      await changes('geothermal', 'halted');
      await Promise.all([1, 2, 3, 4].map(() => service.onApplicationBootstrap()));
      const { body } = await app.get('/api/trading/markets/geothermal');
      expect(body.status).toBe('halted');
      expect((await app.get('/api/trading/markets')).body.items).toHaveLength(12);
    });

    it('hold no auctions yet, and say so', async () => {
      const body = { market: 'solar-auction', side: 'buy', quantityKwh: '1', pricePerKwh: '1' };
      expect(await order(buyer, body)).toMatchObject({ status: 422, body: { code: 'MARKET_HALTED' } });
      expect(await changes('solar-auction', 'open')).toMatchObject({
        status: 422,
        body: { code: 'MECHANISM_NOT_AVAILABLE' },
      });
      expect((await app.get('/api/trading/markets/solar-auction')).body.status).toBe('halted');
    });
  });

  describe('creating one', () => {
    it('is for admins', async () => {
      const body = { id: 'barred', energySource: 'wind' };
      expect((await app.post('/api/trading/markets', { body })).status).toBe(401);
      expect((await creates(body, seller)).status).toBe(403);
      expect((await creates(body, await app.registers({ role: 'operator' }))).status).toBe(403);
      expect((await app.get('/api/trading/markets/barred')).body).toMatchObject({
        status: 404,
        code: 'MARKET_NOT_FOUND',
      });
    });

    it('opens it on the terms that were given', async () => {
      const terms = { id: 'wind-blocks', energySource: 'wind', tick: '0.5', lotKwh: '10', feeBps: 25 };
      const created = await creates(terms);
      expect(created).toMatchObject({
        status: 201,
        body: { ...terms, mechanism: 'continuous', status: 'open', tick: '0.500000', lotKwh: '10.000' },
      });
      const offer = { market: 'wind-blocks', side: 'sell', quantityKwh: '20', pricePerKwh: '3.5' };
      expect((await order(seller, offer)).status).toBe(201);
      expect((await order(seller, { ...offer, quantityKwh: '15' })).body.code).toBe('QUANTITY_NOT_IN_LOTS');
      expect((await order(seller, { ...offer, pricePerKwh: '3.6' })).body.code).toBe('PRICE_NOT_ON_TICK');
      const bought = await order(buyer, { ...offer, side: 'buy', quantityKwh: '10' });
      expect(bought.body.trades).toMatchObject([{ amount: '35.000000' }]);
      const sold = await app.get('/api/trading/history', { as: seller });
      expect(sold.body.items[0]).toMatchObject({ market: 'wind-blocks', fee: '0.087500' });
    });

    it('is refused where the id is taken or the terms make no sense', async () => {
      expect(await creates({ id: 'solar', energySource: 'solar' })).toMatchObject({
        status: 409,
        body: { code: 'MARKET_TAKEN' },
      });
      const bad = await creates({
        id: 'Bad Id',
        energySource: 'coal',
        tick: '0',
        lotKwh: '-1',
        feeBps: 1001,
        sequence: 5,
      });
      expect(bad.status).toBe(400);
      const fields = bad.body.errors.map(({ field }: { field: string }) => field);
      expect(fields).toEqual(expect.arrayContaining(['id', 'energySource', 'tick', 'lotKwh', 'feeBps']));
    });

    it('keeps an auction halted', async () => {
      expect(
        (await creates({ id: 'evening-auction', energySource: 'mixed', mechanism: 'auction' })).body,
      ).toMatchObject({
        mechanism: 'auction',
        status: 'halted',
      });
    });
  });

  describe('halting and resuming', () => {
    it('is for admins, and of markets that are there', async () => {
      expect((await app.patch('/api/trading/markets/hydro', { body: { status: 'halted' } })).status).toBe(
        401,
      );
      expect((await changes('hydro', 'halted', seller)).status).toBe(403);
      expect((await changes('coal', 'halted')).status).toBe(404);
      expect((await changes('hydro', 'closed')).status).toBe(400);
    });

    it('stops orders but not cancellations, shows at once, and is on record', async () => {
      const offer = { market: 'wind', side: 'sell', quantityKwh: '1', pricePerKwh: '9' };
      const { body: ask } = await order(seller, offer);
      expect((await app.get('/api/trading/markets/wind')).body.status).toBe('open');
      expect(await changes('wind', 'halted')).toMatchObject({
        status: 200,
        body: { id: 'wind', status: 'halted' },
      });
      expect((await app.get('/api/trading/markets/wind')).body.status).toBe('halted');
      expect(await order(seller, offer)).toMatchObject({ status: 422, body: { code: 'MARKET_HALTED' } });
      expect((await app.delete(`/api/trading/orders/${ask.id}`, { as: seller })).status).toBe(200);
      await changes('wind', 'open');
      expect((await order(seller, offer)).status).toBe(201);
      const { body } = await app.get('/api/admin/audit?action=market.halted', { as: app.admin });
      expect(body.items[0]).toMatchObject({
        entityId: 'wind',
        before: { status: 'open' },
        after: { status: 'halted' },
      });
    });
  });

  describe('what everybody sees', () => {
    const market = 'public';

    beforeAll(async () => {
      await creates({ id: market, energySource: 'solar' });
      const sells = (quantityKwh: string, pricePerKwh: string) =>
        order(seller, { market, side: 'sell', quantityKwh, pricePerKwh });
      const buys = (quantityKwh: string, pricePerKwh: string) =>
        order(buyer, { market, side: 'buy', quantityKwh, pricePerKwh });
      await sells('1', '2');
      await sells('3', '4');
      await buys('4', '4');
      await sells('2', '5');
      await sells('3', '5');
      await sells('1', '6');
      await buys('1', '3');
      await buys('2', '2.5');
    });

    it('is the last price and the last day', async () => {
      const expected = {
        id: market,
        status: 'open',
        lastPricePerKwh: '4.000000',
        volume24hKwh: '4.000',
        vwap: '3.500000',
        high: '4.000000',
        low: '2.000000',
      };
      expect((await app.get(`/api/trading/markets/${market}`)).body).toMatchObject(expected);
      const { body } = await app.get('/api/trading/markets?limit=200');
      expect(body.items.find(({ id }: { id: string }) => id === market)).toMatchObject(expected);
      expect((await app.get('/api/trading/markets/biomass')).body).toMatchObject({
        lastPricePerKwh: null,
        volume24hKwh: '0.000',
        vwap: null,
        high: null,
        low: null,
      });
    });

    it('is the book, best prices first, with its sequence', async () => {
      expect(await app.get(`/api/trading/orderbook/${market}`)).toMatchObject({
        status: 200,
        body: {
          market,
          sequence: 10,
          bids: [
            { pricePerKwh: '3.000000', quantityKwh: '1.000', orders: 1 },
            { pricePerKwh: '2.500000', quantityKwh: '2.000', orders: 1 },
          ],
          asks: [
            { pricePerKwh: '5.000000', quantityKwh: '5.000', orders: 2 },
            { pricePerKwh: '6.000000', quantityKwh: '1.000', orders: 1 },
          ],
        },
      });
      const shallow = (await app.get(`/api/trading/orderbook/${market}?depth=1`)).body;
      expect([shallow.bids.length, shallow.asks.length]).toEqual([1, 1]);
    });

    it('is the trades, newest first and without names', async () => {
      const { body } = await app.get(`/api/trading/trades?market=${market}`);
      const trade = (pricePerKwh: string, quantityKwh: string, amount: string, sequence: number) => ({
        id: expect.any(String),
        market,
        pricePerKwh,
        quantityKwh,
        amount,
        sequence,
        executedAt: expect.any(String),
      });
      expect(body).toEqual({
        items: [trade('4.000000', '3.000', '12.000000', 5), trade('2.000000', '1.000', '2.000000', 4)],
        nextCursor: null,
      });
      const first = (await app.get(`/api/trading/trades?market=${market}&limit=1`)).body;
      const second = await app.get(`/api/trading/trades?market=${market}&limit=1&cursor=${first.nextCursor}`);
      expect([...first.items, ...second.body.items]).toEqual(body.items);
      const newest = (await app.get('/api/trading/trades?limit=1')).body;
      const next = (await app.get(`/api/trading/trades?limit=1&cursor=${newest.nextCursor}`)).body;
      expect([...newest.items, ...next.items]).toEqual(body.items);
    });

    it('is current after every change, however often it was read before', async () => {
      const depth = async () => (await app.get(`/api/trading/orderbook/${market}`)).body;
      const before = await depth();
      const { body: bid } = await order(buyer, { market, side: 'buy', quantityKwh: '1', pricePerKwh: '5' });
      const after = await depth();
      expect(after.sequence).toBe(before.sequence + 2);
      expect(after.asks[0]).toEqual({ pricePerKwh: '5.000000', quantityKwh: '4.000', orders: 2 });
      expect((await app.get(`/api/trading/markets/${market}`)).body.lastPricePerKwh).toBe(bid.averagePrice);
      const { body: ask } = await order(seller, { market, side: 'sell', quantityKwh: '1', pricePerKwh: '4' });
      expect((await depth()).asks[0].pricePerKwh).toBe('4.000000');
      await app.delete(`/api/trading/orders/${ask.id}`, { as: seller });
      expect((await depth()).asks[0].pricePerKwh).toBe('5.000000');
    });

    it('is refused where there is nothing to see, or the question is wrong', async () => {
      for (const path of ['markets/coal', 'orderbook/coal', 'trades?market=coal']) {
        expect((await app.get(`/api/trading/${path}`)).body).toMatchObject({
          status: 404,
          code: 'MARKET_NOT_FOUND',
        });
      }
      const wrong = [
        'markets/So%20lar',
        `orderbook/${market}?depth=0`,
        `orderbook/${market}?depth=201`,
        'trades?market=So%20lar',
        'markets?limit=201',
      ];
      for (const path of wrong) expect((await app.get(`/api/trading/${path}`)).status).toBe(400);
    });

    it('pages through the markets', async () => {
      const seen: string[] = [];
      let cursor = '';
      do {
        const { body } = await app.get(`/api/trading/markets?limit=5${cursor}`);
        seen.push(...body.items.map(({ id }: { id: string }) => id));
        cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
      } while (cursor !== '');
      const all = (await app.get('/api/trading/markets?limit=200')).body.items.map(
        ({ id }: { id: string }) => id,
      );
      expect(seen).toEqual(all);
    });
  });
});
