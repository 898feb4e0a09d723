import { Client } from 'pg';
import { formatKwh } from '../src/common/units';
import type { ReplayResult } from '../src/demo/replay';
import { startApp, type TestApp } from './support/app';
import { expectedOf, folderOf, neighbourhood, replayOn, total, type Folder } from './support/neighbourhood';

const DAY_MS = 86_400_000;

/** The neighbourhood's readings with one fault of each kind, and where in the file each one is. */
interface Damage {
  readonly lines: readonly string[];
  readonly faults: readonly { readonly line: number; readonly code: string }[];
  /** Lines of which nothing counts: the damaged originals. */
  readonly lost: readonly string[];
}

describe('a neighbourhood whose data is damaged', () => {
  let whole: Folder;
  let damaged: Folder;
  let damage: Damage;
  let app: TestApp;
  let result: ReplayResult;

  beforeAll(async () => {
    whole = await neighbourhood();
    damage = damagedLines(whole.lines);
    damaged = await folderOf(whole.meters, damage.lines);
    app = await startApp();
    result = await replayOn(app, damaged);
  });

  afterAll(async () => {
    await app.close();
    await whole.remove();
    await damaged.remove();
  });

  it('has each bad line rejected with its number and its reason, and every good line accepted', () => {
    const { accepted, duplicates, revised, rejected, errors } = result.readings;
    expect(errors.map(({ line, code }) => ({ line, code }))).toEqual(damage.faults);
    expect({ accepted, duplicates, revised, rejected }).toEqual({
      accepted: whole.lines.length - 1 - damage.lost.length,
      duplicates: 1,
      revised: 0,
      rejected: damage.faults.length,
    });
  });

  it('counts the good lines alone, conserves them, and has nothing to reconcile', () => {
    const good = expectedOf(whole.lines.filter((line) => !damage.lost.includes(line)));
    const counted = new Map(result.households.map((figures) => [figures.serial, figures]));
    for (const [serial, { generatedWh, consumedWh, surplusWh }] of good) {
      expect(counted.get(serial)).toMatchObject({ generatedWh, consumedWh, surplusWh, mintedWh: surplusWh });
    }
    expect(result).toMatchObject({
      energyConserved: true,
      moneyConserved: true,
      reconciliation: { breaks: 0 },
    });
    expect(result.orders.refused).toBe(0);
  });

  it('is whole again when the repaired data is replayed: only what was lost is new', async () => {
    const repaired = await replayOn(app, whole);
    expect(repaired.readings).toMatchObject({
      accepted: damage.lost.length,
      duplicates: whole.lines.length - 1 - damage.lost.length,
      revised: 0,
      rejected: 0,
    });
    const expected = expectedOf(whole.lines);
    const sum = (key: 'generatedWh' | 'consumedWh' | 'mintedWh'): bigint =>
      repaired.households.reduce((so, figures) => so + figures[key], 0n);
    expect(sum('generatedWh')).toBe(total(expected, 'generatedWh'));
    expect(sum('consumedWh')).toBe(total(expected, 'consumedWh'));
    expect(sum('mintedWh')).toBe(total(expected, 'surplusWh'));
    expect(repaired).toMatchObject({
      energyConserved: true,
      moneyConserved: true,
      reconciliation: { breaks: 0 },
    });
  });

  it('breaks for surplus that was never minted', async () => {
    const { serial, meterId, before } = await firstReadingOf(app);
    const late = {
      meterSerial: serial,
      intervalStart: before,
      intervalMinutes: 15,
      generatedWh: 300,
      consumedWh: 50,
    };
    const taken = await app.post('/api/meters/readings', { as: app.admin, body: late });
    expect(taken.body).toMatchObject({ accepted: 1 });
    expect(await breaksOf(app)).toEqual([
      { type: 'UNMINTED_SURPLUS', entity: 'meters', entityId: meterId, expected: '0.000', actual: '0.250' },
    ]);
    await app.post('/api/meters/mint', { as: app.admin, body: { all: true } });
    expect(await breaksOf(app)).toEqual([]);
  });

  it('breaks for a mint that is missing: its readings, its booking and the supply all tell', async () => {
    const [mint] = await app.database.query<{ id: string; energy_wh: bigint }>(
      'SELECT id, energy_wh FROM mints ORDER BY energy_wh DESC LIMIT 1',
    );
    const [minted] = await app.database.query<{ wh: bigint }>(
      'SELECT sum(energy_wh)::bigint AS wh FROM mints',
    );
    const kwh = formatKwh(mint?.energy_wh ?? 0n);
    await pastConstraints(app, 'DELETE FROM mints WHERE id = $1', [mint?.id]);
    const found = await breaksOf(app);
    expect(found).toHaveLength(3);
    expect(found).toEqual(
      expect.arrayContaining([
        {
          type: 'READING_MARKED_WITHOUT_MINT',
          entity: 'mints',
          entityId: mint?.id,
          expected: kwh,
          actual: '0.000',
        },
        expect.objectContaining({
          type: 'BOOKED_WITHOUT_MINT',
          entity: 'ledger_transfers',
          expected: '0.000',
          actual: kwh,
        }),
        {
          type: 'SUPPLY_MISMATCH',
          entity: 'ledger_accounts',
          entityId: 'energy:solar',
          expected: formatKwh((minted?.wh ?? 0n) - (mint?.energy_wh ?? 0n)),
          actual: formatKwh(minted?.wh ?? 0n),
        },
      ]),
    );
  });
});

/**
 * A consumption turned negative, a line of rubbish in its own place, a reading of tomorrow, one of a meter that
 * nobody has, and a reading that stands there twice.
 */
function damagedLines(lines: readonly string[]): Damage {
  const damaged = [...lines];
  const at = (share: number): number => Math.floor(lines.length * share);
  const faults: { line: number; code: string }[] = [];
  const lost: string[] = [];
  const replace = (index: number, line: string, code: string): void => {
    lost.push(damaged[index] ?? '');
    damaged[index] = line;
    faults.push({ line: index + 1, code });
  };
  const [serial = ''] = (lines[1] ?? '').split(',');
  const tomorrow = new Date(Date.now() - (Date.now() % DAY_MS) + 2 * DAY_MS).toISOString();
  replace(at(0.2), (lines[at(0.2)] ?? '').replace(/\d+$/, '-5'), 'NEGATIVE_ENERGY');
  replace(at(0.4), '%$§ this is no reading', 'MALFORMED_LINE');
  damaged.push(lines[at(0.6)] ?? '');
  damaged.push(`${serial},${tomorrow},15,0,10`);
  faults.push({ line: damaged.length, code: 'IN_FUTURE' });
  damaged.push(`NOBODY-HAS-IT,${(lines[1] ?? '').split(',')[1]},15,0,10`);
  faults.push({ line: damaged.length, code: 'UNKNOWN_METER' });
  return { lines: damaged, faults, lost };
}

/** The breaks of a fresh reconciliation, without what is different each time. */
async function breaksOf(app: TestApp): Promise<unknown[]> {
  const run = await app.post('/api/reconciliations/energy/run', { as: app.admin });
  const { body } = await app.get(`/api/reconciliations/${run.body.id}/breaks`, { as: app.admin });
  return body.items.map(({ type, entity, entityId, expected, actual }: Record<string, string>) => ({
    type,
    entity,
    entityId,
    expected,
    actual,
  }));
}

/** A meter with PV, and when an interval before its first one began: one after its last may not be over yet. */
async function firstReadingOf(app: TestApp): Promise<{ serial: string; meterId: string; before: string }> {
  const [row] = await app.database.query<{ serial: string; meter_id: string; before: Date }>(
    `SELECT m.serial, m.id AS meter_id, min(r.interval_start) - interval '15 minutes' AS before
       FROM meters m JOIN meter_readings r ON r.meter_id = m.id
      WHERE m.capacity_w > 2000 GROUP BY m.id ORDER BY m.serial LIMIT 1`,
  );
  if (row === undefined) throw new Error('The neighbourhood has no PV');
  return { serial: row.serial, meterId: row.meter_id, before: row.before.toISOString() };
}

/** What nobody can do through the application: a hand in the database, past its constraints. */
async function pastConstraints(app: TestApp, text: string, values: unknown[]): Promise<void> {
  const owner = new Client({ connectionString: app.urls.ownerUrl });
  await owner.connect();
  try {
    await owner.query('SET session_replication_role = replica');
    await owner.query(text, values);
  } finally {
    await owner.end();
  }
}
