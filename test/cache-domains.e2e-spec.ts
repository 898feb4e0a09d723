import { CertificateExpiryService } from '../src/certificates/certificate-expiry.service';
import { newId } from '../src/common/id';
import { OrderEndingsService } from '../src/trading/order-endings.service';
import type { Answer, Person, TestApp } from './support/app';
import { asOwner } from './support/database';
import { eventually } from './support/eventually';
import { generates, hasMeter, mints, type TestMeter } from './support/generation';
import { givesEnergy, givesMoney } from './support/market';
import { buys, expiryRuns, letOfferEnd, offers, orders } from './support/marketplace';
import { stopClock } from './support/recurring-jobs';
import { done, TwoProcesses, type Bus } from './support/two-processes';

const DAY = { from: '2025-05-01T00:00:00Z', to: '2025-05-02T00:00:00Z' };

describe.each<[Bus]>([['Redis'], ['PostgreSQL']])(
  'what domains keep, in processes that hear by %s',
  (bus) => {
    let both: TwoProcesses;
    let app: TestApp;
    let seller: Person;
    let buyer: Person;

    beforeAll(async () => {
      both = await TwoProcesses.start(bus);
      app = both.one;
      await stopClock(app.urls); // what comes to its end does so by the process that a test lets run it
      [seller, buyer] = [await app.registers(), await app.registers()];
      await givesEnergy(app, seller, '1000');
      await givesMoney(app, buyer, '10000');
    });
    afterAll(() => both.stop());

    /** Expects both processes to answer so after the write, with both warm before. */
    async function expectShown(path: string, write: () => Promise<unknown>, wanted: object, as?: Person) {
      const answers = await both.afterWriting(path, write, as);
      expect(answers).toMatchObject([{ body: wanted }, { body: wanted }]);
    }

    describe('statistics of meters', () => {
      let meter: TestMeter;
      const expectStats = (write: () => Promise<unknown>, wanted: object) =>
        expectShown('/api/meters/stats', write, wanted, seller);

      it('follow a registration, readings, a revision and a mint', async () => {
        await expectStats(
          async () => {
            meter = await hasMeter(app, seller, { timeZone: 'Asia/Bangkok' });
          },
          { timeZone: 'Asia/Bangkok', readings: 0 },
        );
        await expectStats(() => generates(app, meter, DAY.from, [1_000, 2_000]), { generatedKwh: '3.000' });
        await expectStats(() => generates(app, meter, DAY.from, [5_000]), {
          generatedKwh: '7.000',
          readings: 2,
        });
        await expectStats(() => mints(app, seller, meter), { mintedKwh: '7.000', unmintedKwh: '0.000' });
      });
    });

    describe('the list of offers', () => {
      const path = '/api/offers?source=wind';
      const idsIn = (answers: readonly Answer[]) =>
        answers.map(({ body }) => body.items.map(({ id }: { id: string }) => id) as string[]);
      const listed = async (write: () => Promise<unknown>) => idsIn(await both.afterWriting(path, write));
      const offering = (more: Record<string, string> = {}) =>
        offers(app, seller, '2', { energySource: 'wind', ...more });

      it('follows an offer through listing, purchase, cancellation and expiry', async () => {
        let id = '';
        const lists = async () => ({ id } = await offering());
        expect(await listed(lists)).toEqual([[id], [id]]);
        const left = await both.afterWriting(path, () => done(buys(app, buyer, id, '0.5')));
        for (const { body } of left) expect(body.items).toMatchObject([{ id, remainingKwh: '1.500' }]);
        expect(await listed(() => done(app.delete(`/api/offers/${id}`, { as: seller })))).toEqual([[], []]);
        await listed(lists);
        const ends = async () => {
          await letOfferEnd(app, id);
          await expiryRuns(app);
        };
        expect(await listed(ends)).toEqual([[], []]);
      });

      it('follows an order that is matched with it', async () => {
        const { id } = await offering();
        const matches = async () => {
          const terms = { amountKwh: '2', maxPricePerKwh: '4', preferredSource: 'wind' };
          const order = await orders(app, buyer, terms);
          await done(app.post(`/api/orders/${order.id}/match`, { as: buyer }));
        };
        expect(await listed(matches)).toEqual([[], []]);
        expect(id).not.toBe('');
      });

      it('leaves out what is over, before anybody writes that down', async () => {
        const { id } = await offering({ availableUntil: new Date(Date.now() + 6_000).toISOString() });
        await both.warm(path);
        const last = await eventually(
          async () => idsIn([await both.one.get(path), await both.two.get(path)]),
          (lists) => lists.every((ids) => !ids.includes(id)),
        );
        expect(last).toEqual([[], []]);
        await expiryRuns(app);
      });
    });

    describe('books and figures of markets', () => {
      const order = (side: 'buy' | 'sell', more: object = {}) => {
        const as = side === 'sell' ? seller : buyer;
        const body = { market: 'solar', side, quantityKwh: '1', pricePerKwh: '4', ...more };
        return done(app.post('/api/trading/orders', { as, body }));
      };
      const expectBook = (write: () => Promise<unknown>, wanted: object) =>
        expectShown('/api/trading/orderbook/solar', write, wanted);
      const ask = { pricePerKwh: '4.000000', quantityKwh: '1.000', orders: 1 };

      it('show an order until it is cancelled, expired or matched', async () => {
        let id = '';
        const places = async (more?: object) => ({ id } = await order('sell', more));
        await expectBook(() => places(), { asks: [ask] });
        await expectBook(() => done(app.delete(`/api/trading/orders/${id}`, { as: seller })), { asks: [] });
        const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
        await expectBook(() => places({ timeInForce: 'gtd', expiresAt }), { asks: [ask] });
        const expires = async () => {
          const past = `UPDATE trading_orders SET expires_at = now() - interval '1 second' WHERE id = $1`;
          await app.database.query(past, [id]);
          await app.nest.get(OrderEndingsService).expireDue();
        };
        await expectBook(expires, { asks: [] });
        await expectBook(() => places(), { asks: [ask] });
        await expectBook(() => order('buy'), { asks: [] });
      });

      it.each(['/api/trading/markets/solar', '/api/trading/markets'])('show a trade in %s', async (path) => {
        const figures = ({ body }: Answer) =>
          (body.items ?? [body]).find(({ id }: { id: string }) => id === 'solar').volume24hKwh as string;
        const before = Number(figures(await app.get(path)));
        const trades = async () => {
          await order('sell');
          await order('buy');
        };
        const answers = await both.afterWriting(path, () => trades());
        expect(answers.map((answer) => Number(figures(answer)))).toEqual([before + 1, before + 1]);
      });

      it('show that a market was halted and resumed, and a new one', async () => {
        const path = '/api/trading/markets/hydro';
        const becomes = (status: string) => () => done(app.patch(path, { as: app.admin, body: { status } }));
        await expectShown(path, becomes('halted'), { status: 'halted' });
        await expectShown(path, becomes('open'), { status: 'open' });
        const village = { id: 'village', energySource: 'solar' };
        const answers = await both.afterWriting('/api/trading/markets', () =>
          done(app.post('/api/trading/markets', { as: app.admin, body: village })),
        );
        for (const { body } of answers) expect(body.items).toContainEqual(expect.objectContaining(village));
      });
    });

    describe('what anybody verifies of a certificate', () => {
      let meter: TestMeter;
      let path: string;

      beforeAll(async () => {
        meter = await hasMeter(app, seller);
        await generates(app, meter, '2025-06-01T00:00:00Z', [1_000, 2_000]);
      });
      /** One certificate at a time: each test takes it back, so that the next one may certify the period again. */
      beforeEach(async () => {
        const body = { meterId: meter.id, from: '2025-06-01T00:00:00Z', to: '2025-06-02T00:00:00Z' };
        const { certificateId } = await done(app.post('/api/certificates', { as: seller, body }));
        path = `/api/certificates/${certificateId}`;
        expect((await both.two.get(path)).body).toMatchObject({ certificateId, status: 'active' });
      });
      afterEach(() =>
        asOwner(
          app.urls,
          `UPDATE certificate_issuances SET withdrawn_at = now(), withdrawal_reason = 'test' WHERE withdrawn_at IS NULL`,
        ),
      );
      const becomes = (what: string, as: Person, body: object) => () =>
        done(app.post(`${path}/${what}`, { as, body }));
      const expiresIn = (seconds: number) =>
        asOwner(
          app.urls,
          `UPDATE erc_certificates SET issued_at = now() - interval '1 year', expires_at = now() + make_interval(secs => $2)
          WHERE certificate_id = $1`,
          [path.split('/').at(-1), seconds],
        );

      it('follows a transfer and its retirement', async () => {
        await expectShown(path, becomes('transfer', seller, { toUserId: buyer.id }), {
          status: 'transferred',
        });
        const claim = { beneficiary: 'A bakery', purpose: 'Bread' };
        await expectShown(path, becomes('retire', buyer, claim), { status: 'retired', ...claim });
      });

      it('follows its withdrawal', () =>
        expectShown(path, becomes('withdraw', app.admin, { reason: 'The meter was faulty' }), {
          status: 'withdrawn',
        }));

      it('follows its expiry', async () => {
        const expires = async () => {
          await expiresIn(-1);
          await app.nest.get(CertificateExpiryService).expireDue();
        };
        await expectShown(path, expires, { status: 'expired' });
      });
    });

    describe('what a run of a reconciliation came to', () => {
      it('follows its end', async () => {
        const auditor = await app.registers({ role: 'auditor' });
        const id = newId();
        await asOwner(
          app.urls,
          `INSERT INTO reconciliations (id, reference, status, metadata, started_at, updated_at)
         VALUES ($1, 'energy', 'running', '{"unit": "kWh"}', now(), now() - interval '2 days')`,
          [id],
        );
        const runs = () => done(app.post('/api/reconciliations/energy/run', { as: auditor }));
        await expectShown(`/api/reconciliations/${id}`, runs, { id, status: 'failed' }, auditor);
      });
    });
  },
);
