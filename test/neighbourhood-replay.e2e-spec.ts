import type { HouseholdFigures } from '../src/demo/replay-figures';
import type { ReplayResult } from '../src/demo/replay';
import { startApp, type TestApp } from './support/app';
import { expectBooksToBalance } from './support/market';
import {
  expectedOf,
  neighbourhood,
  replayOn,
  total,
  type Expected,
  type Folder,
} from './support/neighbourhood';

const MINUTE = 60_000;

/** A whole neighbourhood, from registration to reconciliation, through the public API of a real server. */
describe('the replay of a neighbourhood', () => {
  let folder: Folder;
  let expected: Map<string, Expected>;
  let app: TestApp;
  let first: ReplayResult;
  /** How many requests an undisturbed replay sends. */
  let requests = 0;

  beforeAll(async () => {
    folder = await neighbourhood();
    expected = expectedOf(folder.lines);
    app = await startApp();
    first = await replayOn(app, folder, (...request) => {
      requests++;
      return fetch(...request);
    });
  });

  afterAll(async () => {
    await app.close();
    await folder.remove();
  });

  it('takes every reading and rejects none', () => {
    const { accepted, duplicates, revised, rejected, errors } = first.readings;
    expect({ accepted, duplicates, revised, rejected, errors }).toEqual({
      accepted: folder.lines.length - 1,
      duplicates: 0,
      revised: 0,
      rejected: 0,
      errors: [],
    });
  });

  it('counts for each household what its readings say, and mints exactly its surplus', () => {
    const counted = first.households.map(({ serial, generatedWh, consumedWh, surplusWh, mintedWh }) => ({
      serial,
      generatedWh,
      consumedWh,
      surplusWh,
      mintedWh,
    }));
    const readings = [...expected.values()].map(({ serial, generatedWh, consumedWh, surplusWh }) => ({
      serial,
      generatedWh,
      consumedWh,
      surplusWh,
      mintedWh: surplusWh,
    }));
    expect(bySerial(counted)).toEqual(bySerial(readings));
  });

  it('certifies what each PV meter generated', () => {
    const certified = first.households.map(({ serial, certifiedWh }) => [serial, certifiedWh]);
    expect(certified).toEqual(
      first.households.map(({ serial }) => [serial, expected.get(serial)?.generatedWh]),
    );
  });

  it('brings every surplus and every deficit to market once, and the neighbours trade', async () => {
    const orders = [...expected.values()].reduce((sum, one) => sum + one.orders, 0);
    expect(first.orders).toEqual({ placed: orders, before: 0, refused: 0, refusals: [] });
    const [offered] = await app.database.query<{ side: string; wh: bigint }>(
      `SELECT sum(quantity_wh) FILTER (WHERE side = 'sell')::bigint AS wh FROM trading_orders`,
    );
    expect(offered?.wh).toBe(total(expected, 'surplusWh'));
    const sold = sum(first, 'soldWh');
    expect(sold).toBeGreaterThan(total(expected, 'surplusWh') / 4n);
    expect(sold).toBeLessThanOrEqual(total(expected, 'deficitWh'));
    expect(sum(first, 'boughtWh')).toBe(sold);
    expect(sum(first, 'spent')).toBe(sum(first, 'earned') + sum(first, 'fees'));
  });

  it('conserves energy and money, and reconciliation finds nothing', async () => {
    expect(first.energyConserved).toBe(true);
    expect(first.moneyConserved).toBe(true);
    expect(sum(first, 'energyWh')).toBe(total(expected, 'surplusWh'));
    expect(sum(first, 'deposited')).toBe(sum(first, 'money') + sum(first, 'fees'));
    expect(first.reconciliation).toMatchObject({
      status: 'completed',
      breaks: 0,
      breaksByType: {},
      first: [],
    });
    await expectBooksToBalance(app);
  });

  it('has linked a wallet and a verified meter to every household', async () => {
    const rows = await app.database.query<{ status: string; wallet: boolean; role: string; pv: boolean }>(
      `SELECT DISTINCT m.status, u.wallet_address IS NOT NULL AS wallet, u.role, m.capacity_w > 0 AS pv
         FROM meters m JOIN users u ON u.id = m.owner_id ORDER BY u.role`,
    );
    expect(rows).toEqual([
      { status: 'verified', wallet: true, role: 'prosumer', pv: true },
      { status: 'verified', wallet: true, role: 'consumer', pv: false },
    ]);
  });

  it('accepts nothing and changes nothing when it is run again', async () => {
    const before = await ledgerOf(app);
    const again = await replayOn(app, folder);
    expect(again.readings).toMatchObject({
      accepted: 0,
      duplicates: folder.lines.length - 1,
      revised: 0,
      rejected: 0,
    });
    expect(again.orders).toEqual({ placed: 0, before: first.orders.placed, refused: 0, refusals: [] });
    expect(again.households).toEqual(first.households);
    expect(again.reconciliation.breaks).toBe(0);
    expect(await ledgerOf(app)).toEqual(before);
  });

  it(
    'comes to the same end when it is killed on the way, again and again',
    async () => {
      const other = await startApp();
      try {
        const lives = [0.05, 0.15, 0.3, 0.5, 0.5].map((share) => Math.ceil(requests * share));
        for (const [index, life] of lives.entries()) {
          await expect(replayOn(other, folder, killedAfter(life, index % 2 === 0))).rejects.toThrow('killed');
        }
        const last = await replayOn(other, folder);
        expect(last.orders.before).toBeGreaterThan(0);
        expect(last.orders.refused).toBe(0);
        expect(last.households).toEqual(first.households);
        expect(last.reconciliation.breaks).toBe(0);
        await expectBooksToBalance(other);
      } finally {
        await other.close();
      }
    },
    10 * MINUTE,
  );
});

/** A connection that dies with its process: before a request is sent, or after it but before its answer. */
function killedAfter(requests: number, beforeSending: boolean): typeof fetch {
  let left = requests;
  return async (...request) => {
    if (left-- > 0) return fetch(...request);
    if (!beforeSending && left === -1) await (await fetch(...request)).body?.cancel();
    throw new Error('killed');
  };
}

const bySerial = <Item extends { readonly serial: string }>(items: readonly Item[]): Item[] =>
  [...items].sort((one, other) => one.serial.localeCompare(other.serial));

const sum = ({ households }: ReplayResult, key: Exclude<keyof HouseholdFigures, 'serial' | 'name'>): bigint =>
  households.reduce((so, figures) => so + figures[key], 0n);

/** Every balance on the books, and how many bookings made it. */
async function ledgerOf(app: TestApp): Promise<unknown> {
  const accounts = await app.database.query('SELECT id, balance FROM ledger_accounts ORDER BY id');
  const [bookings] = await app.database.query('SELECT count(*) AS entries FROM ledger_entries');
  return { accounts, bookings };
}
