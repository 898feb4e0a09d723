import { startApp, type Person, type TestApp } from './support/app';
import { balanceOf, expectBooksToBalance, givesEnergy } from './support/market';
import { expectReservationsToMatch, expiryRuns, letOfferEnd, offers } from './support/marketplace';

const DAY_MS = 86_400_000;
const inDays = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString();

describe('offers', () => {
  let app: TestApp;
  let seller: Person;
  let other: Person;
  let auditor: Person;

  beforeAll(async () => {
    app = await startApp();
    seller = await app.registers();
    other = await app.registers({ role: 'consumer' });
    auditor = await app.registers({ role: 'auditor' });
  });
  afterAll(async () => {
    await expectBooksToBalance(app);
    await expectReservationsToMatch(app);
    await app.close();
  });

  const idsOf = async (query: string, as?: Person): Promise<string[]> => {
    const { status, body } = await app.get(`/api/offers${query}`, { as });
    expect(status).toBe(200);
    return body.items.map(({ id }: { id: string }) => id);
  };

  describe('listing', () => {
    it('reserves the energy and shows no more of the seller than a key', async () => {
      await givesEnergy(app, seller, '12.5', 'hydro');
      const { status, body } = await app.post('/api/offers', {
        as: seller,
        body: { energySource: 'hydro', amountKwh: '10', pricePerKwh: '3.25' },
      });
      expect(status).toBe(201);
      expect(body).toEqual({
        id: expect.any(String),
        sellerId: seller.id,
        energySource: 'hydro',
        amountKwh: '10.000',
        remainingKwh: '10.000',
        pricePerKwh: '3.250000',
        availableFrom: expect.any(String),
        availableUntil: expect.any(String),
        status: 'active',
        createdAt: expect.any(String),
      });
      expect(Date.parse(body.availableUntil) - Date.parse(body.availableFrom)).toBe(7 * DAY_MS);
      expect(await balanceOf(app, seller, 'energy:hydro')).toMatchObject({
        available: '2.500',
        reserved: '10.000',
      });
      expect((await app.get(`/api/offers/${body.id}`)).body).toEqual(body);
    });

    it('is written to the audit trail', async () => {
      const { id } = await offers(app, seller, '1');
      const { body } = await app.get('/api/admin/audit?action=offer.listed&limit=1', { as: app.admin });
      expect(body.items[0]).toMatchObject({ userId: seller.id, entityId: id, after: { amountKwh: '1.000' } });
    });

    it('is refused without the energy, and then leaves no offer', async () => {
      const { status, body } = await app.post('/api/offers', {
        as: other,
        body: { energySource: 'wind', amountKwh: '1', pricePerKwh: '4' },
      });
      expect([status, body.code]).toEqual([422, 'INSUFFICIENT_BALANCE']);
      expect(await idsOf('?mine=true', other)).toEqual([]);
    });

    it.each([
      ['QUANTITY_OUT_OF_RANGE', 'too much energy', { amountKwh: '100000.001' }],
      ['PRICE_OUT_OF_RANGE', 'too low a price', { pricePerKwh: '0.009' }],
      ['PRICE_OUT_OF_RANGE', 'a price beyond all bounds', { pricePerKwh: '999999999999999' }],
      ['PRICE_NOT_ON_TICK', 'a price between two ticks', { pricePerKwh: '4.0005' }],
      ['OFFER_WINDOW_INVALID', 'an end that is past', { availableUntil: inDays(-1) }],
      ['OFFER_WINDOW_INVALID', 'an end too far ahead', { availableUntil: inDays(401) }],
      [
        'OFFER_WINDOW_INVALID',
        'an end before its beginning',
        { availableFrom: inDays(2), availableUntil: inDays(1) },
      ],
    ])('is refused with %s for %s', async (code, _what, terms) => {
      const answer = await app.post('/api/offers', {
        as: seller,
        body: { energySource: 'solar', amountKwh: '1', pricePerKwh: '4', ...terms },
      });
      expect([answer.status, answer.body.code]).toEqual([422, code]);
    });

    it('names every wrong field at once', async () => {
      const { status, body } = await app.post('/api/offers', {
        as: seller,
        body: {
          energySource: 'coal',
          amountKwh: 1,
          pricePerKwh: '-4',
          availableFrom: 'tomorrow',
        },
      });
      expect([status, body.code]).toEqual([400, 'INVALID_INPUT']);
      const fields = body.errors.map(({ field }: { field: string }) => field);
      expect(fields).toEqual(
        expect.arrayContaining(['energySource', 'amountKwh', 'pricePerKwh', 'availableFrom']),
      );
    });

    it.each([{ sellerId: 'me' }, { status: 'sold' }, { remainingKwh: '100' }])(
      'lets nobody set %j',
      async (field) => {
        const { status, body } = await app.post('/api/offers', {
          as: seller,
          body: { energySource: 'solar', amountKwh: '1', pricePerKwh: '4', ...field },
        });
        expect([status, body.code]).toEqual([400, 'INVALID_INPUT']);
      },
    );

    it('happens once for one Idempotency-Key', async () => {
      await givesEnergy(app, seller, '2', 'biomass');
      const request = {
        as: seller,
        body: { energySource: 'biomass', amountKwh: '1', pricePerKwh: '4' },
        headers: { 'idempotency-key': 'one-listing' },
      };
      const [first, second] = await Promise.all([
        app.post('/api/offers', request),
        app.post('/api/offers', request),
      ]);
      expect([first.status, second.status]).toEqual([201, 201]);
      expect(second.body).toEqual(first.body);
      expect(await balanceOf(app, seller, 'energy:biomass')).toMatchObject({
        available: '1.000',
        reserved: '1.000',
      });
    });

    it('is not for those without a token, nor for auditors', async () => {
      const body = { energySource: 'solar', amountKwh: '1', pricePerKwh: '4' };
      expect((await app.post('/api/offers', { body })).status).toBe(401);
      expect((await app.post('/api/offers', { as: auditor, body })).status).toBe(403);
    });
  });

  describe('the market', () => {
    const found: Record<string, string> = {};
    const named = async (query: string): Promise<string[]> => {
      const names = new Map(Object.entries(found).map(([name, id]) => [id, name]));
      return (await idsOf(query)).map((id) => names.get(id) ?? 'another');
    };

    beforeAll(async () => {
      const market = await app.registers();
      const list = async (name: string, amount: string, terms: Parameters<typeof offers>[3]) => {
        found[name] = (await offers(app, market, amount, terms)).id;
      };
      await list('dear', '5', { energySource: 'wind', pricePerKwh: '8' });
      await list('cheap', '1', { energySource: 'wind', pricePerKwh: '5' });
      await list('cheap too', '20', { energySource: 'wind', pricePerKwh: '5' });
      await list('tomorrow', '3', {
        energySource: 'wind',
        pricePerKwh: '6',
        availableFrom: inDays(1),
        availableUntil: inDays(3),
      });
    });

    it('lists the cheapest first, of two equal ones the earlier', async () => {
      expect(await named('?source=wind')).toEqual(['cheap', 'cheap too', 'tomorrow', 'dear']);
    });

    it('lists the newest first when asked to', async () => {
      expect(await named('?source=wind&sort=newest')).toEqual(['tomorrow', 'cheap too', 'cheap', 'dear']);
      expect(await named('?source=wind&sort=newest&minPrice=5.5&maxPrice=8')).toEqual(['tomorrow', 'dear']);
    });

    it('is filtered by price, by what is left and by time', async () => {
      expect(await named('?source=wind&minPrice=5.001')).toEqual(['tomorrow', 'dear']);
      expect(await named('?source=wind&maxPrice=6')).toEqual(['cheap', 'cheap too', 'tomorrow']);
      expect(await named('?source=wind&minPrice=999999999999999')).toEqual([]);
      expect(await named('?source=wind&maxPrice=999999999999999')).toHaveLength(4);
      expect(await named('?source=wind&minKwh=3')).toEqual(['cheap too', 'tomorrow', 'dear']);
      expect(await named(`?source=wind&availableAt=${new Date().toISOString()}`)).toEqual([
        'cheap',
        'cheap too',
        'dear',
      ]);
      expect(await named(`?source=wind&availableAt=${inDays(2)}`)).toContain('tomorrow');
      expect(await named(`?source=wind&availableAt=${inDays(30)}`)).toEqual([]);
    });

    it.each(['', '&sort=newest', '&minPrice=5'])('goes on page by page with source=wind%s', async (more) => {
      const whole = await named(`?source=wind${more}`);
      const seen: string[] = [];
      let cursor = '';
      do {
        const { body } = await app.get(`/api/offers?source=wind&limit=1${more}${cursor}`);
        seen.push(...body.items.map(({ id }: { id: string }) => id));
        cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
      } while (cursor !== '');
      expect(seen.map((id) => Object.entries(found).find(([, known]) => known === id)?.[0])).toEqual(whole);
    });

    it('shows a change at once although lists are cached', async () => {
      const before = await idsOf('?source=solar&minPrice=9');
      const { id } = await offers(app, seller, '1', { pricePerKwh: '9.5' });
      expect(await idsOf('?source=solar&minPrice=9')).toEqual([...before, id]);
      expect((await app.delete(`/api/offers/${id}`, { as: seller })).status).toBe(200);
      expect(await idsOf('?source=solar&minPrice=9.000')).toEqual(before);
    });

    it('refuses filters that make no sense', async () => {
      const { status, body } = await app.get(
        '/api/offers?source=coal&minPrice=cheap&limit=1000&sort=name&seller=me',
      );
      expect(status).toBe(400);
      expect(body.errors.length).toBeGreaterThanOrEqual(4);
      expect((await app.get('/api/offers?cursor=made-up')).status).toBe(400);
      const newest = await app.get('/api/offers?sort=newest&limit=1');
      expect((await app.get(`/api/offers?cursor=${newest.body.nextCursor}`)).status).toBe(400);
    });

    it('has no offer of that id', async () => {
      const { status, body } = await app.get('/api/offers/01890000-0000-7000-8000-000000000000');
      expect([status, body.code]).toEqual([404, 'OFFER_NOT_FOUND']);
      expect((await app.get('/api/offers/cheap')).status).toBe(400);
    });
  });

  describe('cancelling', () => {
    it('gives the energy back and closes the offer to all but its seller', async () => {
      const owner = await app.registers();
      const { id } = await offers(app, owner, '7');
      const { status, body } = await app.delete(`/api/offers/${id}`, { as: owner });
      expect([status, body.status, body.remainingKwh]).toEqual([200, 'cancelled', '7.000']);
      expect(await balanceOf(app, owner, 'energy:solar')).toMatchObject({
        available: '7.000',
        reserved: '0.000',
      });

      expect((await app.get(`/api/offers/${id}`)).status).toBe(404);
      expect((await app.get(`/api/offers/${id}`, { as: other })).status).toBe(404);
      expect((await app.get(`/api/offers/${id}`, { as: owner })).body).toEqual(body);
      expect((await app.get(`/api/offers/${id}`, { as: auditor })).body).toEqual(body);
      expect(await idsOf('?mine=true', owner)).toEqual([id]);

      const again = await app.delete(`/api/offers/${id}`, { as: owner });
      expect([again.status, again.body.code]).toEqual([409, 'OFFER_NOT_ACTIVE']);
      const bought = await app.post(`/api/offers/${id}/purchase`, { as: other, body: { amountKwh: '1' } });
      expect([bought.status, bought.body.code]).toEqual([409, 'OFFER_NOT_ACTIVE']);
    });

    it('releases once when many ask at the same time', async () => {
      const owner = await app.registers();
      const { id } = await offers(app, owner, '3');
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => app.delete(`/api/offers/${id}`, { as: owner })),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(await balanceOf(app, owner, 'energy:solar')).toMatchObject({
        available: '3.000',
        reserved: '0.000',
      });
    });

    it('is for the seller only', async () => {
      const { id } = await offers(app, seller, '1');
      expect((await app.delete(`/api/offers/${id}`)).status).toBe(401);
      expect((await app.delete(`/api/offers/${id}`, { as: auditor })).status).toBe(403);
      for (const stranger of [other, app.admin]) {
        const { status, body } = await app.delete(`/api/offers/${id}`, { as: stranger });
        expect([status, body.code]).toEqual([404, 'OFFER_NOT_FOUND']);
      }
      expect((await app.get(`/api/offers/${id}`)).body.status).toBe('active');
    });
  });

  describe('of one’s own', () => {
    it('are listed newest first, whatever became of them, page by page', async () => {
      const owner = await app.registers();
      const first = await offers(app, owner, '1');
      await app.delete(`/api/offers/${first.id}`, { as: owner });
      const second = await offers(app, owner, '2');
      expect(await idsOf('?mine=true', owner)).toEqual([second.id, first.id]);
      const { body } = await app.get('/api/offers?mine=true&limit=1', { as: owner });
      expect(await idsOf(`?mine=true&limit=1&cursor=${body.nextCursor}`, owner)).toEqual([first.id]);
    });

    it('want a token and no filters', async () => {
      expect((await app.get('/api/offers?mine=true')).status).toBe(401);
      const { status, body } = await app.get('/api/offers?mine=true&source=wind', { as: seller });
      expect([status, body.errors[0].field]).toEqual([400, 'source']);
    });
  });

  it('cannot be bought once their time is over, and then give their energy back', async () => {
    const owner = await app.registers();
    const { id } = await offers(app, owner, '4', { pricePerKwh: '7.777' });
    await letOfferEnd(app, id);
    const late = await app.post(`/api/offers/${id}/purchase`, { as: other, body: { amountKwh: '1' } });
    expect([late.status, late.body.code]).toEqual([409, 'OFFER_NOT_ACTIVE']);
    await Promise.all([expiryRuns(app), expiryRuns(app)]);
    expect((await app.get(`/api/offers/${id}`, { as: owner })).body).toMatchObject({
      status: 'expired',
      remainingKwh: '4.000',
    });
    expect(await balanceOf(app, owner, 'energy:solar')).toMatchObject({
      available: '4.000',
      reserved: '0.000',
    });
    expect(await idsOf('?minPrice=7.777&maxPrice=7.777')).toEqual([]);
    const { body } = await app.get('/api/admin/audit?action=offer.expired&limit=1', { as: auditor });
    expect(body.items[0]).toMatchObject({
      entityId: id,
      userId: null,
      before: { status: 'active' },
      after: { status: 'expired' },
    });
  });

  it('are counted by operation and result', async () => {
    const { body } = await app.get('/metrics');
    expect(body).toMatch(/^marketplace_operations_total\{operation="list_offer",result="done"\} [1-9]/m);
    expect(body).toMatch(/^marketplace_operations_total\{operation="list_offer",result="refused"\} [1-9]/m);
  });
});

describe('offers where e-mail addresses must be verified', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ REQUIRE_VERIFIED_EMAIL: 'true' });
  });
  afterAll(() => app.close());

  it('are listed, bought and ordered by nobody who has not', async () => {
    const newcomer = await app.registers();
    const id = '01890000-0000-7000-8000-000000000000';
    for (const [path, body] of [
      ['/api/offers', { energySource: 'solar', amountKwh: '1', pricePerKwh: '4' }],
      [`/api/offers/${id}/purchase`, { amountKwh: '1' }],
      ['/api/orders', { amountKwh: '1', maxPricePerKwh: '4' }],
      [`/api/orders/${id}/match`, undefined],
    ] as const) {
      const answer = await app.post(path, { as: newcomer, body });
      expect([path, answer.status, answer.body.code]).toEqual([path, 403, 'EMAIL_NOT_VERIFIED']);
    }
  });
});
