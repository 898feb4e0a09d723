import { newId } from '../src/common/id';
import { LedgerService } from '../src/ledger/ledger.service';
import { reserve, transfer } from '../src/ledger/transfer';
import { startApp, type Person, type TestApp } from './support/app';
import { balanceOf, expectBooksToBalance, givesEnergy, givesMoney } from './support/market';
import { buys, offers } from './support/marketplace';

const NOBODYS = '01890000-0000-7000-8000-000000000000';

describe('transactions', () => {
  let app: TestApp;
  let seller: Person;
  let buyer: Person;
  let stranger: Person;
  let auditor: Person;

  beforeAll(async () => {
    app = await startApp();
    stranger = await app.registers();
    auditor = await app.registers({ role: 'auditor' });
  });
  beforeEach(async () => {
    seller = await app.registers();
    buyer = await app.registers();
    await givesMoney(app, buyer, '100');
    await givesMoney(app, seller, '100');
  });
  afterEach(() => expectBooksToBalance(app));
  afterAll(() => app.close());

  /** Sells a kWh and answers with the transaction. */
  const sells = async (from: Person, to: Person): Promise<{ id: string }> => {
    const { id } = await offers(app, from, '1');
    return (await buys(app, to, id, '1')).body;
  };

  /** A transaction that waits, with what it holds reserved on both sides: 1 kWh for 4 THB. */
  const pending = async (status: 'pending' | 'processing' | 'failed' = 'pending'): Promise<string> => {
    const id = newId();
    await givesEnergy(app, seller, '1', 'geothermal');
    await app.database.transaction(async (tx) => {
      await tx.query(
        `INSERT INTO energy_offers (id, seller_id, energy_source, amount_wh, remaining_wh, price_per_kwh, available_from, available_until, status)
         VALUES ($1, $2, 'geothermal', 1000, 0, 4000000, now(), now() + interval '1 day', 'sold')`,
        [id, seller.id],
      );
      await tx.query(
        `INSERT INTO energy_transactions (id, offer_id, seller_id, buyer_id, energy_source, amount_wh, price, total, fee, status)
         VALUES ($1, $1, $2, $3, 'geothermal', 1000, 4000000, 4000000, 40000, $4)`,
        [id, seller.id, buyer.id, status],
      );
      await app.nest
        .get(LedgerService)
        .post(tx, [
          transfer('test.waits', id, [
            ...reserve(buyer.id, 'THB', 4_000_000n),
            ...reserve(seller.id, 'energy:geothermal', 1_000n),
          ]),
        ]);
    });
    return id;
  };

  it('are listed for both sides, newest first, by role and status, page by page', async () => {
    const sold = await sells(seller, buyer);
    const bought = await sells(buyer, seller);
    const idsOf = async (query: string, as: Person = seller) => {
      const { status, body } = await app.get(`/api/transactions${query}`, { as });
      expect(status).toBe(200);
      return body.items.map(({ id }: { id: string }) => id);
    };
    expect(await idsOf('')).toEqual([bought.id, sold.id]);
    expect(await idsOf('?role=seller')).toEqual([sold.id]);
    expect(await idsOf('?role=buyer')).toEqual([bought.id]);
    expect(await idsOf('?role=seller', buyer)).toEqual([bought.id]);
    expect(await idsOf('?status=completed')).toEqual([bought.id, sold.id]);
    expect(await idsOf('?status=pending')).toEqual([]);
    expect(await idsOf('?role=buyer&status=failed')).toEqual([]);
    expect(await idsOf('', stranger)).toEqual([]);
    expect(await idsOf(`?userId=${seller.id}`, auditor)).toEqual([bought.id, sold.id]);
    const { body } = await app.get('/api/transactions?limit=1', { as: seller });
    expect(body.items[0]).toEqual(bought);
    expect(await idsOf(`?limit=1&cursor=${body.nextCursor}`)).toEqual([sold.id]);
  });

  it('are seen by their participants and those who see everything', async () => {
    const sold = await sells(seller, buyer);
    for (const who of [seller, buyer, auditor, app.admin]) {
      expect((await app.get(`/api/transactions/${sold.id}`, { as: who })).body).toEqual(sold);
    }
    const strange = await app.get(`/api/transactions/${sold.id}`, { as: stranger });
    expect([strange.status, strange.body.code]).toEqual([404, 'TRANSACTION_NOT_FOUND']);
    expect((await app.get(`/api/transactions/${NOBODYS}`, { as: seller })).status).toBe(404);
    expect((await app.get(`/api/transactions?userId=${seller.id}`, { as: stranger })).status).toBe(404);
    expect((await app.get(`/api/transactions/${sold.id}`)).status).toBe(401);
    expect((await app.get('/api/transactions')).status).toBe(401);
    expect((await app.get('/api/transactions?role=owner', { as: seller })).status).toBe(400);
    expect((await app.get('/api/transactions/latest', { as: seller })).status).toBe(400);
  });

  describe('cancelling', () => {
    const cancels = (as: Person | undefined, id: string, headers?: Record<string, string>) =>
      app.post(`/api/transactions/${id}/cancel`, { as, headers });

    it('of a settled one is refused', async () => {
      const { id } = await sells(seller, buyer);
      for (const party of [seller, buyer]) {
        const { status, body } = await cancels(party, id);
        expect([status, body.code]).toEqual([409, 'TRANSACTION_SETTLED']);
      }
    });

    it.each(['processing', 'failed'] as const)('of one that is %s is refused', async (status) => {
      const answer = await cancels(buyer, await pending(status));
      expect([answer.status, answer.body.code]).toEqual([409, 'TRANSACTION_NOT_PENDING']);
    });

    it('of one that waits gives both sides back what it held', async () => {
      const id = await pending();
      expect(await balanceOf(app, buyer, 'THB')).toEqual({
        available: '96.000000',
        reserved: '4.000000',
      });
      const headers = { 'idempotency-key': 'one-cancellation' };
      const answers = await Promise.all([cancels(buyer, id, headers), cancels(buyer, id, headers)]);
      expect(answers.map(({ status, body }) => [status, body.status])).toEqual([
        [200, 'cancelled'],
        [200, 'cancelled'],
      ]);
      expect(await balanceOf(app, buyer, 'THB')).toMatchObject({
        available: '100.000000',
        reserved: '0.000000',
      });
      expect(await balanceOf(app, seller, 'energy:geothermal')).toMatchObject({
        available: '1.000',
        reserved: '0.000',
      });
      const again = await cancels(seller, id);
      expect([again.status, again.body.code]).toEqual([409, 'TRANSACTION_NOT_PENDING']);
      const { body } = await app.get('/api/admin/audit?action=transaction.cancelled&limit=1', {
        as: auditor,
      });
      expect(body.items[0]).toMatchObject({ entityId: id, userId: buyer.id, before: { status: 'pending' } });
    });

    it('is for its participants only', async () => {
      const id = await pending();
      expect((await cancels(undefined, id)).status).toBe(401);
      expect((await cancels(auditor, id)).status).toBe(403);
      for (const who of [stranger, app.admin]) expect((await cancels(who, id)).status).toBe(404);
      expect((await cancels(seller, NOBODYS)).status).toBe(404);
    });
  });
});
