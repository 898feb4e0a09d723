import { LedgerService } from '../../src/ledger/ledger.service';
import { energyAsset, move, platformAccount, transfer, userAccount } from '../../src/ledger/transfer';
import type { EnergySource } from '../../src/common/request-schemas';
import { newId } from '../../src/common/id';
import { parseDecimal } from '../../src/common/units';
import type { Person, TestApp } from './app';

const CURRENCY = 'THB';

/** Gives somebody money, straight into the books: `"100"` is 100 THB. */
export async function givesMoney(app: TestApp, to: Person, amount: string): Promise<void> {
  const micro = parseDecimal(amount, 6) ?? 0n;
  await post(
    app,
    'deposit',
    move(platformAccount('deposits', CURRENCY), userAccount(to.id, CURRENCY), micro),
  );
}

/** Gives somebody energy without a meter, straight into the books: `"12.5"` is 12 500 Wh. */
export async function givesEnergy(
  app: TestApp,
  to: Person,
  kwh: string,
  source: EnergySource = 'solar',
): Promise<void> {
  const wh = parseDecimal(kwh, 3) ?? 0n;
  const asset = energyAsset(source);
  await post(app, 'mint', move(platformAccount('issuance', asset), userAccount(to.id, asset), wh));
}

function post(app: TestApp, kind: string, legs: ReturnType<typeof move>): Promise<void> {
  const ledger = app.nest.get(LedgerService);
  return app.database.transaction((tx) => ledger.post(tx, [transfer(kind, newId(), legs)]));
}

/** What somebody has of an asset, as the API shows it. */
export async function balanceOf(
  app: TestApp,
  person: Person,
  asset: string,
): Promise<{ available: string; reserved: string }> {
  const { body } = await app.get('/api/ledger/balances', { as: person });
  const balance = (body as { asset: string; available: string; reserved: string }[]).find(
    (one) => one.asset === asset,
  );
  return { available: balance?.available ?? zero(asset), reserved: balance?.reserved ?? zero(asset) };
}

const zero = (asset: string): string => (asset.startsWith('energy:') ? '0.000' : '0.000000');

/** The books' own rules: every asset sums to zero, every balance is the sum of its entries. */
export async function expectBooksToBalance(app: TestApp): Promise<void> {
  const outOfBalance = await app.database.query(
    `SELECT a.asset, sum(e.amount) AS sum FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account_id
      GROUP BY a.asset HAVING sum(e.amount) <> 0`,
  );
  const wrongAccounts = await app.database.query(
    `SELECT a.id, a.balance FROM ledger_accounts a LEFT JOIN ledger_entries e ON e.account_id = a.id
      GROUP BY a.id HAVING a.balance <> coalesce(sum(e.amount), 0)`,
  );
  expect(outOfBalance).toEqual([]);
  expect(wrongAccounts).toEqual([]);
}
