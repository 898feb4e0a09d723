import { generateKeyPairSync, sign } from 'node:crypto';
import bs58 from 'bs58';
import { LedgerService } from '../../src/ledger/ledger.service';
import { reserve, transfer } from '../../src/ledger/transfer';
import type { ApiCalls } from './api-calls';
import type { Person, TestApp } from './app';
import { asOwner } from './database';
import { tendDatabase } from './database-tending';
import type { KnownPeople } from './filled-app';
import { generates, hasMeter } from './generation';
import { tokenSentTo } from './mailbox';
import { givesEnergy, givesMoney } from './market';

const PASSWORD = 'a long enough password';
const HOUR_MS = 3_600_000;
const once = (key: string): Record<string, string> => ({ 'idempotency-key': key });

/** Everything that can be changed by the API, changed once each in an order in which it can be. A new route belongs here. */
export async function writeEverything(app: TestApp, api: ApiCalls, people: KnownPeople): Promise<void> {
  await leaveNothingDue(app);
  await writeAccounts(app, api);
  await writeUsers(app, api, people);
  await writeMoney(api, people);
  await writeMeters(app, api, people);
  await writeTrades(app, api, people);
  await writeSales(app, api);
  await writeCertificates(app, api, people);
  await dropAnswers(api, people);
  await tendDatabase(app, api, people);
}

/** What the filled market's own offers and orders hold is in nobody's accounts: theirs must not come to an end. */
async function leaveNothingDue(app: TestApp): Promise<void> {
  for (const [table, end, open] of [
    ['energy_offers', 'available_until', `'active'`],
    ['energy_orders', 'expires_at', `'pending', 'partially_filled'`],
    ['trading_orders', 'expires_at', `'open', 'partially_filled'`],
  ] as const) {
    await asOwner(
      app.urls,
      `UPDATE ${table} SET ${end} = now() + interval '1 day' WHERE status IN (${open}) AND ${end} <= now()`,
    );
  }
}

async function writeAccounts(app: TestApp, api: ApiCalls): Promise<void> {
  const email = 'ann@example.org';
  await api.call('POST /api/auth/register', {
    body: { email, username: 'ann', password: PASSWORD, role: 'prosumer' },
  });
  await api.call('POST /api/auth/resend-verification', { body: { email } });
  const verification = await tokenSentTo(app, email, /verif|confirm/i);
  await api.call('POST /api/auth/verify-email', { body: { token: verification } });
  await api.call('POST /api/auth/password/forgot', { body: { email } });
  const reset = await tokenSentTo(app, email, /password/i);
  await api.call('POST /api/auth/password/reset', { body: { token: reset, password: PASSWORD } });
  const { body } = await api.call('POST /api/auth/login', {
    body: { identifier: email, password: PASSWORD },
  });
  const refreshed = await api.call('POST /api/auth/refresh', { body: { refreshToken: body.refreshToken } });
  const as = refreshed.body.accessToken as string;
  const newPassword = `${PASSWORD}, a new one`;
  await api.call('POST /api/auth/password/change', {
    as,
    body: { currentPassword: PASSWORD, newPassword },
  });
  await logInByWallet(api, as, newPassword);
  await api.call('PATCH /api/users/me', { as, body: { firstName: 'Ann', lastName: 'Archer' } });
  await api.call('POST /api/auth/logout', { as });
  const again = await app.logsIn(email, newPassword);
  const sessions = await api.call('GET /api/auth/sessions', { as: again });
  const other = sessions.body.items.find(({ current }: { current: boolean }) => !current);
  await api.call('DELETE /api/auth/sessions/{id}', { as: again, of: other.id });
  await api.call('DELETE /api/auth/sessions', { as: again });
  const last = await app.logsIn(email, newPassword);
  await api.call('DELETE /api/users/me', { as: last, body: { currentPassword: newPassword } });
}

async function logInByWallet(api: ApiCalls, as: string, currentPassword: string): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const walletAddress = bs58.encode(
    Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url'),
  );
  const proof = async () => {
    const { body } = await api.call('POST /api/auth/wallet/challenge', { body: { walletAddress } });
    const signature = bs58.encode(sign(null, Buffer.from(body.challenge as string), privateKey));
    return { walletAddress, signature };
  };
  await api.call('PUT /api/users/me/wallet', { as, body: { ...(await proof()), currentPassword } });
  await api.call('POST /api/auth/wallet/login', { body: await proof() });
}

async function writeUsers(app: TestApp, api: ApiCalls, { admin }: KnownPeople): Promise<void> {
  const { id } = await app.registers({ role: 'consumer' });
  const organization = await api.call('POST /api/organizations', { as: admin, body: { name: 'Sunny Side' } });
  await api.call('PUT /api/users/{id}/organization', {
    as: admin,
    of: id,
    body: { organizationId: organization.body.id },
  });
  await api.call('PATCH /api/users/{id}', { as: admin, of: id, body: { role: 'corporate' } });
  await api.call('PATCH /api/users/{id}', { as: admin, of: id, body: { isActive: false } });
}

async function writeMoney(api: ApiCalls, { admin, newcomer }: KnownPeople): Promise<void> {
  const deposit = { userId: newcomer.id, amount: '500', reference: 'a deposit' };
  for (const key of ['deposit', 'deposit']) {
    await api.call('POST /api/ledger/deposits', { as: admin, body: deposit, headers: once(key) });
  }
  for (const decision of ['confirm', 'refuse']) {
    const { body } = await api.call('POST /api/ledger/withdrawals', {
      as: newcomer,
      body: { amount: '10', reference: `to ${decision}` },
      headers: once(decision),
    });
    await api.call(`POST /api/ledger/withdrawals/{id}/${decision}`, { as: admin, of: body.id });
  }
}

async function writeMeters(app: TestApp, api: ApiCalls, { operator, newcomer }: KnownPeople): Promise<void> {
  const serial = 'PLANS-1';
  const body = { serial, zone: 'north', energySource: 'solar', capacityKw: '10', timeZone: 'Asia/Bangkok' };
  const { id } = (await api.call('POST /api/meters', { as: newcomer, body })).body as { id: string };
  for (const change of ['verify', 'suspend', 'verify']) {
    await api.call(`POST /api/meters/{id}/${change}`, { as: operator, of: id });
  }
  const start = Math.floor(Date.now() / HOUR_MS - 100) * HOUR_MS;
  const reading = (hour: number, generatedWh: number) => ({
    meterSerial: serial,
    intervalStart: new Date(start + hour * HOUR_MS).toISOString(),
    intervalMinutes: 60,
    generatedWh,
    consumedWh: 100,
  });
  const readings = Array.from({ length: 50 }, (_, hour) => reading(hour, 1_000 + hour));
  await api.call('POST /api/meters/readings', { as: newcomer, body: readings });
  await api.call('POST /api/meters/readings', { as: newcomer, body: [reading(0, 5), reading(60, 7)] });
  await api.call('POST /api/meters/mint', { as: newcomer, body: { meterId: id }, headers: once('mint') });
  await api.call('POST /api/meters/readings', { as: operator, body: [reading(0, 9), reading(70, 900)] });
  await api.call('POST /api/meters/mint', { as: newcomer });
  await api.call('POST /api/meters/readings', { as: newcomer, body: reading(80, 900) });
  await mintEverybodys(app, api, operator);
  await api.call('POST /api/meters/{id}/retire', { as: operator, of: id });
}

/** All of the filled database would take a minute: whoever has the newest meters is minted. */
async function mintEverybodys(app: TestApp, api: ApiCalls, operator: Person): Promise<void> {
  await asOwner(
    app.urls,
    `UPDATE meters SET status = 'suspended'
      WHERE status = 'verified' AND id NOT IN (SELECT id FROM meters ORDER BY id DESC LIMIT 20)`,
  );
  await api.call('POST /api/meters/mint', { as: operator, body: { all: true } });
}

async function writeTrades(app: TestApp, api: ApiCalls, { admin }: KnownPeople): Promise<void> {
  const [seller, buyer] = [await app.registers(), await app.registers()];
  await givesEnergy(app, seller, '1000');
  await givesMoney(app, buyer, '10000');
  // Between the best bid and the best ask of the filled market: these orders meet nobody else's.
  const order = (side: 'buy' | 'sell', quantityKwh: string, more: object = {}) => ({
    market: 'solar',
    side,
    quantityKwh,
    pricePerKwh: '4',
    ...more,
  });
  const resting = await api.call('POST /api/trading/orders', {
    as: seller,
    body: order('sell', '5', { pricePerKwh: '9', clientOrderId: 'first' }),
    headers: once('resting'),
  });
  for (const side of ['sell', 'buy'] as const) {
    await api.call('POST /api/trading/orders', {
      as: side === 'sell' ? seller : buyer,
      body: order(side, '2'),
    });
  }
  for (const length of [2, 50]) {
    const clientOrderIds = Array.from({ length }, (_, place) => `${length}-${place}`);
    const orders = clientOrderIds.map((clientOrderId) => order('buy', '0.1', { clientOrderId }));
    await api.call('POST /api/trading/orders/batch', { as: buyer, body: { orders } });
  }
  await api.call('DELETE /api/trading/orders/{id}', { as: seller, of: resting.body.id });
  await asOwner(
    app.urls,
    `UPDATE trading_orders SET time_in_force = 'gtd', expires_at = now()
      WHERE user_id = $1 AND status IN ('open', 'partially_filled')`,
    [buyer.id],
  );
  const market = { id: 'village', energySource: 'solar' };
  await api.call('POST /api/trading/markets', { as: admin, body: market });
  await api.call('PATCH /api/trading/markets/{market}', {
    as: admin,
    of: 'village',
    body: { status: 'halted' },
  });
}

async function writeSales(app: TestApp, api: ApiCalls): Promise<void> {
  const [seller, buyer] = [await app.registers(), await app.registers()];
  await givesEnergy(app, seller, '100', 'geothermal');
  await givesMoney(app, buyer, '1000');
  const offer = { energySource: 'geothermal', amountKwh: '5', pricePerKwh: '0.02' };
  const offered = async (key: string): Promise<string> =>
    (await api.call('POST /api/offers', { as: seller, body: offer, headers: once(key) })).body.id;
  const [bought, withdrawn] = [await offered('one'), await offered('another')];
  const purchase = { as: buyer, body: { amountKwh: '2' } };
  await api.call('POST /api/offers/{id}/purchase', { ...purchase, of: bought, headers: once('purchase') });
  await api.call('DELETE /api/offers/{id}', { as: seller, of: withdrawn });
  for (const terms of [{ preferredSource: 'geothermal' }, {}]) {
    const body = { amountKwh: '4', maxPricePerKwh: '0.02', ...terms };
    const { id } = (await api.call('POST /api/orders', { as: buyer, body })).body as { id: string };
    await api.call('POST /api/orders/{id}/match', { as: buyer, of: id });
    const { status } = (await api.call('GET /api/orders/{id}', { as: buyer, of: id })).body;
    if (status !== 'filled') await api.call('DELETE /api/orders/{id}', { as: buyer, of: id });
  }
  await callOffSale(app, api, seller, buyer);
}

/** Leaves an offer and an order whose time is over. A sale waits only for a chain, and there is none yet: one that was completed is made to wait. */
async function callOffSale(app: TestApp, api: ApiCalls, seller: Person, buyer: Person): Promise<void> {
  await api.call('POST /api/offers', {
    as: seller,
    body: { energySource: 'geothermal', amountKwh: '10', pricePerKwh: '0.5' },
  });
  await api.call('POST /api/orders', { as: buyer, body: { amountKwh: '10', maxPricePerKwh: '0.5' } });
  const [sale] = await asOwner<{ id: string; total: string; amount_wh: string }>(
    app.urls,
    `UPDATE energy_transactions SET status = 'pending', settled_at = NULL
      WHERE id = (SELECT id FROM energy_transactions WHERE buyer_id = $1 ORDER BY id DESC LIMIT 1)
      RETURNING id, total, amount_wh`,
    [buyer.id],
  );
  await app.database.transaction((tx) =>
    app.nest
      .get(LedgerService)
      .post(tx, [
        transfer('test.waits', sale?.id ?? '', [
          ...reserve(buyer.id, 'THB', BigInt(sale?.total ?? 0)),
          ...reserve(seller.id, 'energy:geothermal', BigInt(sale?.amount_wh ?? 0)),
        ]),
      ]),
  );
  await api.call('POST /api/transactions/{id}/cancel', { as: buyer, of: sale?.id });
  await asOwner(
    app.urls,
    `UPDATE energy_offers SET available_from = now() - interval '1 hour', available_until = now()
      WHERE seller_id = $1 AND status = 'active'`,
    [seller.id],
  );
  await asOwner(
    app.urls,
    `UPDATE energy_orders SET expires_at = now() WHERE buyer_id = $1 AND status IN ('pending', 'partially_filled')`,
    [buyer.id],
  );
}

async function writeCertificates(app: TestApp, api: ApiCalls, { admin }: KnownPeople): Promise<void> {
  const [owner, receiver] = [await app.registers(), await app.registers()];
  const meter = await hasMeter(app, owner);
  const day = (number: number): string => new Date(Date.UTC(2025, 4, number)).toISOString();
  const certified = async (from: number): Promise<string> => {
    await generates(app, meter, day(from), [1_000, 2_000]);
    const body = { meterId: meter.id, from: day(from), to: day(from + 1) };
    return (await api.call('POST /api/certificates', { as: owner, body })).body.certificateId;
  };
  const [given, retired, withdrawn] = [await certified(1), await certified(2), await certified(3)];
  const certificates = 'POST /api/certificates/{certificateId}';
  await api.call(`${certificates}/transfer`, { as: owner, of: given, body: { toUserId: receiver.id } });
  await api.call(`${certificates}/retire`, {
    as: owner,
    of: retired,
    body: { beneficiary: 'A bakery', purpose: 'Electricity of a day' },
  });
  await api.call(`${certificates}/withdraw`, {
    as: admin,
    of: withdrawn,
    body: { reason: 'The meter was faulty' },
  });
}

async function dropAnswers(api: ApiCalls, { admin }: KnownPeople): Promise<void> {
  for (const query of ['prefix=market:data', 'tag=markets'])
    await api.call('DELETE /api/admin/cache', { as: admin, query });
}
