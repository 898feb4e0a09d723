import { newId } from '../src/common/id';
import type { Transaction } from '../src/database/transaction';
import { LedgerService } from '../src/ledger/ledger.service';
import { move, platformAccount, transfer, userAccount } from '../src/ledger/transfer';
import { startApp, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { until } from './support/eventually';
import { balanceOf, expectBooksToBalance, givesEnergy, givesMoney } from './support/market';

/** Sessions that wait for a lock which another one holds. */
const WAITING = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;

describe('the ledger', () => {
  let app: TestApp;
  let owner: Person;
  let other: Person;
  beforeAll(async () => {
    app = await startApp();
    owner = await app.registers();
    other = await app.registers();
  });
  afterEach(() => expectBooksToBalance(app));
  afterAll(() => app.close());

  const deposits = (amount: string, reference: string, headers = {}) =>
    app.post('/api/ledger/deposits', {
      as: app.admin,
      body: { userId: owner.id, amount, reference },
      headers,
    });
  const withdraws = (amount: string, reference: string, headers = {}) =>
    app.post('/api/ledger/withdrawals', { as: owner, body: { amount, reference }, headers });

  it('books a deposit once per reference', async () => {
    const before = await balanceOf(app, owner, 'THB');
    const first = await deposits('100.5', 'bank-1');
    expect(first).toMatchObject({
      status: 201,
      body: { amount: '100.500000', asset: 'THB', reference: 'bank-1' },
    });
    expect(await deposits('100.5', 'bank-1')).toMatchObject({
      status: 409,
      body: { code: 'REFERENCE_TAKEN' },
    });
    const after = await balanceOf(app, owner, 'THB');
    expect(Number(after.available) - Number(before.available)).toBe(100.5);
  });

  it('answers the same request with the same key alike, even at the same time', async () => {
    const headers = { 'idempotency-key': newId() };
    const answers = await Promise.all(Array.from({ length: 8 }, () => deposits('7', 'bank-2', headers)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await deposits('8', 'bank-2', headers)).toMatchObject({
      status: 409,
      body: { code: 'IDEMPOTENCY_KEY_REUSED' },
    });
  });

  it('reserves a withdrawal until an admin decides', async () => {
    const user = await app.registers();
    await givesMoney(app, user, '50');
    const body = { amount: '20', reference: 'home' };
    const paid = await app.post('/api/ledger/withdrawals', { as: user, body });
    expect(paid).toMatchObject({ status: 201, body: { status: 'pending', amount: '20.000000' } });
    expect(await balanceOf(app, user, 'THB')).toEqual({ available: '30.000000', reserved: '20.000000' });
    expect(await app.post(`/api/ledger/withdrawals/${paid.body.id}/confirm`, { as: user })).toMatchObject({
      status: 403,
    });
    const confirm = () => app.post(`/api/ledger/withdrawals/${paid.body.id}/confirm`, { as: app.admin });
    const outcomes = await Promise.all([confirm(), confirm(), confirm()]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect(await balanceOf(app, user, 'THB')).toEqual({ available: '30.000000', reserved: '0.000000' });

    const refused = await app.post('/api/ledger/withdrawals', {
      as: user,
      body: { amount: '30', reference: 'again' },
    });
    await app.post(`/api/ledger/withdrawals/${refused.body.id}/refuse`, { as: app.admin });
    expect(await balanceOf(app, user, 'THB')).toEqual({ available: '30.000000', reserved: '0.000000' });
    const statuses = async (query = '') =>
      (await app.get(`/api/ledger/withdrawals${query}`, { as: user })).body.items.map(
        ({ status }: { status: string }) => status,
      );
    expect(await statuses()).toEqual(['refused', 'confirmed']);
    expect(await statuses('?pending=true')).toEqual([]);
    expect(await statuses('?pending=false')).toEqual(['refused', 'confirmed']);
  });

  it('never lets an account go below zero, however many withdraw at once', async () => {
    const user = await app.registers();
    await givesMoney(app, user, '10');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        app.post('/api/ledger/withdrawals', { as: user, body: { amount: '1.5', reference: `w${index}` } }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 201)).toHaveLength(6);
    expect(outcomes.find(({ status }) => status === 422)?.body).toMatchObject({
      code: 'INSUFFICIENT_BALANCE',
    });
    expect(await balanceOf(app, user, 'THB')).toEqual({ available: '1.000000', reserved: '9.000000' });
  });

  it('opens an account once when two bookings need it first', async () => {
    const ledger = app.nest.get(LedgerService);
    const asset = 'energy:geothermal';
    const credits = (to: Person, wh: bigint) =>
      transfer('mint', newId(), move(platformAccount('issuance', asset), userAccount(to.id, asset), wh));
    let finish = (): void => undefined;
    const held = new Promise<void>((resolve) => (finish = resolve));
    let booked = (): void => undefined;
    const firstHasBooked = new Promise<void>((resolve) => (booked = resolve));
    const first = app.database.transaction(async (tx) => {
      await ledger.post(tx, [credits(owner, 5n)]);
      booked();
      await held;
    });
    await firstHasBooked;
    const second = app.database.transaction((tx) => ledger.post(tx, [credits(other, 7n)]));
    await until(async () => (await asOwner(app.urls, WAITING)).length > 0);
    finish();
    await Promise.all([first, second]);
    expect([await balanceOf(app, owner, asset), await balanceOf(app, other, asset)]).toEqual([
      { available: '0.005', reserved: '0.000' },
      { available: '0.007', reserved: '0.000' },
    ]);
    const [issuance] = await app.database.query<{ balance: bigint }>(
      `SELECT balance FROM ledger_accounts WHERE platform = 'issuance' AND asset = $1`,
      [asset],
    );
    expect(issuance?.balance).toBe(-12n);
  });

  it('finds the accounts it books on among those of everybody without reading the others', async () => {
    await givesMoney(app, owner, '1');
    await asOwner(
      app.urls,
      `INSERT INTO ledger_accounts (id, platform, asset, bucket)
       SELECT gen_random_uuid(), 'fees:test-' || n, 'THB', 'available' FROM generate_series(1, 20000) n`,
    );
    // Autovacuum may have come while they were a few, which are read quicker than looked up.
    await asOwner(app.urls, 'ANALYZE ledger_accounts');
    const read = await app.database.transaction(async (tx) => {
      const before = await accountsRead(tx);
      const legs = move(platformAccount('deposits', 'THB'), userAccount(owner.id, 'THB'), 1n);
      await app.nest.get(LedgerService).post(tx, [transfer('deposit', newId(), legs)]);
      return (await accountsRead(tx)) - before;
    });
    expect(read).toBeLessThan(20n);
  });

  it('lists entries newest first, a page at a time', async () => {
    const user = await app.registers();
    for (const amount of ['1', '2', '3']) await givesMoney(app, user, amount);
    await givesEnergy(app, user, '4');
    const first = await app.get('/api/ledger/entries?limit=3', { as: user });
    const second = await app.get(`/api/ledger/entries?limit=3&cursor=${first.body.nextCursor}`, { as: user });
    const amounts = [...first.body.items, ...second.body.items].map(
      ({ amount }: { amount: string }) => amount,
    );
    expect(amounts).toEqual(['4.000', '3.000000', '2.000000', '1.000000']);
    expect(second.body.nextCursor).toBeNull();
  });

  it('shows the books to their owner, and to who sees everything', async () => {
    const operator = await app.registers({ role: 'operator' });
    expect(await app.get('/api/ledger/balances')).toMatchObject({ status: 401 });
    expect(await app.get(`/api/ledger/balances?userId=${owner.id}`, { as: other })).toMatchObject({
      status: 404,
    });
    expect(await app.get(`/api/ledger/entries?userId=${owner.id}`, { as: other })).toMatchObject({
      status: 404,
    });
    expect(await app.get(`/api/ledger/balances?userId=${owner.id}`, { as: operator })).toMatchObject({
      status: 200,
    });
  });

  it('lets only admins deposit and decide', async () => {
    const operator = await app.registers({ role: 'operator' });
    const body = { userId: other.id, amount: '1', reference: 'self-service' };
    for (const as of [other, operator]) {
      expect(await app.post('/api/ledger/deposits', { as, body })).toMatchObject({ status: 403 });
      expect(await app.post(`/api/ledger/withdrawals/${newId()}/refuse`, { as })).toMatchObject({
        status: 403,
      });
    }
    expect(await app.post('/api/ledger/deposits', { body })).toMatchObject({ status: 401 });
    expect(await app.post(`/api/ledger/withdrawals/${newId()}/confirm`, { as: app.admin })).toMatchObject({
      status: 404,
    });
  });

  it('names every wrong field', async () => {
    const { status, body } = await deposits('-1', '');
    expect(status).toBe(400);
    expect(body.errors.map(({ field }: { field: string }) => field)).toEqual(['amount', 'reference']);
    expect(await withdraws('0', 'x')).toMatchObject({ status: 400 });
    expect(await withdraws('1.0000001', 'x')).toMatchObject({ status: 400 });
    const unknown = { userId: newId(), amount: '1', reference: 'nobody' };
    expect(await app.post('/api/ledger/deposits', { as: app.admin, body: unknown })).toMatchObject({
      status: 404,
    });
    expect(await withdraws('1', 'x', { 'idempotency-key': 'with space' })).toMatchObject({ status: 400 });
  });

  it('lets an account be closed once nothing of it is reserved, and keeps its books', async () => {
    const user = await app.registers();
    await givesMoney(app, user, '9');
    const { body } = await app.post('/api/ledger/withdrawals', {
      as: user,
      body: { amount: '4', reference: 'out' },
    });
    expect(await app.delete('/api/users/me', { as: user })).toMatchObject({
      status: 409,
      body: { code: 'ACCOUNT_IN_USE' },
    });
    await app.post(`/api/ledger/withdrawals/${body.id}/confirm`, { as: app.admin });
    const closing = [app.delete('/api/users/me', { as: user })];
    const racing = Array.from({ length: 5 }, (_, index) =>
      app.post('/api/ledger/withdrawals', { as: user, body: { amount: '1', reference: `late-${index}` } }),
    );
    const [closed] = await Promise.all([...closing, ...racing]);
    const left = await app.get(`/api/ledger/balances?userId=${user.id}`, { as: app.admin });
    const reserved = left.body[0].reserved as string;
    // Whoever came first won: either the account is closed and nothing is reserved, or it is still in use.
    expect(Number(reserved) > 0).toBe(closed?.status === 409);
  });

  it('leaves a trail of what money did, for those who may read it', async () => {
    const auditor = await app.registers({ role: 'auditor' });
    await deposits('3', 'audited', { 'x-request-id': 'deposit-request' });
    const { body } = await app.get('/api/admin/audit?action=deposit.booked&limit=1', { as: auditor });
    const by = async (person: Person) =>
      (await app.get(`/api/admin/audit?action=deposit.booked&userId=${person.id}&limit=1`, { as: auditor }))
        .body.items;
    expect(await by(app.admin)).toEqual(body.items);
    expect(await by(other)).toEqual([]);
    expect(body.items[0]).toMatchObject({
      action: 'deposit.booked',
      userId: app.admin.id,
      requestId: 'deposit-request',
      after: { amount: '3.000000', reference: 'audited' },
    });
    expect(await app.get('/api/admin/audit', { as: owner })).toMatchObject({ status: 403 });
    expect(
      await app.post('/api/ledger/withdrawals', { as: auditor, body: { amount: '1', reference: 'x' } }),
    ).toMatchObject({ status: 403 });
  });
});

/** How many rows of accounts this transaction has read so far. */
async function accountsRead(tx: Transaction): Promise<bigint> {
  const [table] = await tx.query<{ rows: bigint }>(
    `SELECT seq_tup_read + idx_tup_fetch AS rows FROM pg_stat_xact_user_tables WHERE relname = 'ledger_accounts'`,
  );
  return table?.rows ?? 0n;
}
