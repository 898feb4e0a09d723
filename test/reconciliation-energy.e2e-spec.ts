import { Client } from 'pg';
import { Gauge } from 'prom-client';
import { ScrapeFigures } from '../src/monitoring/metrics/scrape-figures';
import { ReportDatabase } from '../src/monitoring/reports/report-database';
import { ReconciliationMetrics } from '../src/reconciliation/reconciliation.metrics';
import { startApp, type Person, type TestApp } from './support/app';
import { eventually } from './support/eventually';
import { generates, hasMeter, mints, type TestMeter } from './support/generation';
import { givesMoney } from './support/market';

const MAY = { from: '2025-05-01T00:00:00Z', to: '2025-06-01T00:00:00Z' };

/** What the check looks at; meters first, since others point to them. */
const TABLES = [
  'meters',
  'mints',
  'meter_readings',
  'reading_revisions',
  'ledger_accounts',
  'ledger_transfers',
  'ledger_entries',
  'certificate_issuances',
  'erc_certificates',
];

/** Ann's sun and Ben's wind: metered, minted, traded for money, certified. Each test damages it its own way. */
describe('the check of energy', () => {
  let app: TestApp;
  let ann: Person;
  let ben: Person;
  let sun: TestMeter;
  let wind: TestMeter;
  let sunMint: { id: string; kwh: string };
  let windMint: { id: string; kwh: string };

  beforeAll(async () => {
    app = await startApp();
    ann = await app.registers();
    ben = await app.registers();
    sun = await hasMeter(app, ann);
    wind = await hasMeter(app, ben, { source: 'wind' });
    await generates(app, sun, MAY.from, [[1_000, 400], 500, [100, 300]]);
    await generates(app, wind, MAY.from, [2_000, 3_000]);
    sunMint = (await mints(app, ann, sun))[0] as typeof sunMint;
    windMint = (await mints(app, ben, wind))[0] as typeof windMint;
    await givesMoney(app, ann, '100');
    const offer = await app.post('/api/offers', { as: ben, body: offerOf('1.000') });
    await app.post(`/api/offers/${offer.body.id}/purchase`, { as: ann, body: { amountKwh: '0.400' } });
    await app.post('/api/certificates', { as: ann, body: { meterId: sun.id, ...MAY } });
    await damage(...TABLES.map((table) => [`CREATE TABLE sound_${table} AS TABLE ${table}`] as const));
  });
  afterEach(() =>
    damage(
      ...[...TABLES].reverse().map((table) => [`DELETE FROM ${table}`] as const),
      ...TABLES.map((table) => [`INSERT INTO ${table} SELECT * FROM sound_${table}`] as const),
    ),
  );
  afterAll(() => app.close());

  const offerOf = (amountKwh: string) => ({
    energySource: 'wind',
    amountKwh,
    pricePerKwh: '4.000000',
    availableFrom: new Date(Date.now() - 1_000).toISOString(),
    availableUntil: new Date(Date.now() + 86_400_000).toISOString(),
  });

  /** What nobody can do through the application: a hand in the database, past its foreign keys. */
  async function damage(...statements: (readonly [text: string, values?: unknown[]])[]): Promise<void> {
    const owner = new Client({ connectionString: app.urls.ownerUrl });
    await owner.connect();
    try {
      await owner.query('SET session_replication_role = replica');
      for (const [text, values = []] of statements) await owner.query(text, values);
    } finally {
      await owner.end();
    }
  }

  async function runs(): Promise<any> {
    const { status, body } = await app.post('/api/reconciliations/energy/run', { as: app.admin });
    expect({ status, body }).toMatchObject({ status: 201, body: { status: 'completed', progress: 100 } });
    return body;
  }
  const breaksOf = async (run: any, query = ''): Promise<any[]> =>
    (await app.get(`/api/reconciliations/${run.id}/breaks${query}`, { as: app.admin })).body.items;
  async function finds(): Promise<any[]> {
    const run = await runs();
    const found = await breaksOf(run);
    expect(run.breaks).toBe(found.length);
    return found;
  }
  const types = (breaks: readonly any[]) => breaks.map(({ type }) => type).sort();

  it('finds nothing where nothing is wrong, and says how much it looked at', async () => {
    const run = await runs();
    expect(run).toMatchObject({
      reference: 'energy',
      projectId: null,
      amount: '6.100',
      unit: 'kWh',
      breaks: 0,
      breaksByType: {},
      failure: null,
      checked: {
        meters: 2,
        readings: 5,
        mints: 2,
        bookings: 2,
        certificates: 1,
        refusedRevisions: 0,
        assets: [
          { asset: 'energy:solar', mintedKwh: '1.100', issuedKwh: '1.100', heldKwh: '1.100' },
          { asset: 'energy:wind', mintedKwh: '5.000', issuedKwh: '5.000', heldKwh: '5.000' },
        ],
      },
    });
    expect(run.checked.accounts).toBeGreaterThan(4);
    expect(run.checked.entries).toBeGreaterThan(8);
    expect(await breaksOf(run)).toEqual([]);
  });

  it('UNMINTED_SURPLUS: surplus of a verified meter that waits', async () => {
    await generates(app, wind, MAY.to, [700, 300, [100, 100]]);
    const pending = await hasMeter(app, ann, { verified: false });
    await generates(app, pending, MAY.from, [900]);
    expect(await finds()).toMatchObject([
      {
        type: 'UNMINTED_SURPLUS',
        entity: 'meters',
        entityId: wind.id,
        unit: 'kWh',
        expected: '0.000',
        actual: '1.000',
        difference: '1.000',
        status: 'open',
        detail: `Meter ${wind.serial} has 1.000 kWh of surplus in 2 readings that is not minted`,
      },
    ]);
  });

  it('a mint that is gone: its readings and its booking are left alone', async () => {
    await damage(['DELETE FROM mints WHERE id = $1', [windMint.id]]);
    const found = await finds();
    expect(types(found)).toEqual(['BOOKED_WITHOUT_MINT', 'READING_MARKED_WITHOUT_MINT', 'SUPPLY_MISMATCH']);
    expect(found).toMatchObject([
      { type: 'READING_MARKED_WITHOUT_MINT', entityId: windMint.id, expected: '5.000', actual: '0.000' },
      { type: 'BOOKED_WITHOUT_MINT', entity: 'ledger_transfers', actual: '5.000' },
      {
        type: 'SUPPLY_MISMATCH',
        entityId: 'energy:wind',
        expected: '0.000',
        actual: '5.000',
        difference: '5.000',
      },
    ]);
  });

  it('READING_MARKED_WITHOUT_MINT: a reading that is marked and names none', async () => {
    await damage(
      ['ALTER TABLE meter_readings DROP CONSTRAINT IF EXISTS meter_readings_minted_by'],
      [
        `UPDATE meter_readings SET mint_id = NULL WHERE meter_id = $1 AND interval_start = $2`,
        [wind.id, MAY.from],
      ],
    );
    expect(await finds()).toMatchObject([
      { type: 'READINGS_MINT_MISMATCH', entityId: windMint.id, expected: '3.000', actual: '5.000' },
      { type: 'READING_MARKED_WITHOUT_MINT', entity: 'meters', entityId: wind.id, expected: '2.000' },
    ]);
  });

  it('READINGS_MINT_MISMATCH: figures that were changed behind a mint', async () => {
    await damage([
      `UPDATE meter_readings SET generated_wh = 2500, surplus_wh = 2500 WHERE meter_id = $1 AND interval_start = $2`,
      [wind.id, MAY.from],
    ]);
    expect(await finds()).toMatchObject([
      {
        type: 'READINGS_MINT_MISMATCH',
        entity: 'mints',
        entityId: windMint.id,
        expected: '5.500',
        actual: '5.000',
        difference: '-0.500',
      },
    ]);
  });

  it('MINT_WITHOUT_READINGS: readings that were deleted behind a mint', async () => {
    await damage(['DELETE FROM meter_readings WHERE meter_id = $1', [wind.id]]);
    expect(await finds()).toMatchObject([
      { type: 'MINT_WITHOUT_READINGS', entityId: windMint.id, expected: '0.000', actual: '5.000' },
    ]);
  });

  it('MINT_WITHOUT_READINGS: a mint that somebody made up', async () => {
    await damage([
      `INSERT INTO mints (id, user_id, meter_id, energy_wh, period_from, period_to, readings)
       SELECT gen_random_uuid(), user_id, meter_id, 250, period_from, period_to, 1 FROM mints WHERE id = $1`,
      [sunMint.id],
    ]);
    const found = await finds();
    expect(found).toMatchObject([
      { type: 'MINT_WITHOUT_READINGS', expected: '0.000', actual: '0.250' },
      { type: 'MINT_NOT_BOOKED', expected: '0.250', actual: '0.000' },
      { type: 'SUPPLY_MISMATCH', entityId: 'energy:solar', expected: '1.350', actual: '1.100' },
    ]);
    expect(found[0].entityId).toBe(found[1].entityId);
  });

  it('MINT_NOT_BOOKED: a booking that was deleted, with what it did to the balances', async () => {
    const transfer = `(SELECT id FROM ledger_transfers WHERE kind = 'mint' AND reference = $1)`;
    await damage(
      [
        `UPDATE ledger_accounts a SET balance = a.balance - e.amount FROM ledger_entries e
          WHERE e.account_id = a.id AND e.transfer_id = ${transfer}`,
        [sunMint.id],
      ],
      [`DELETE FROM ledger_entries WHERE transfer_id = ${transfer}`, [sunMint.id]],
      [`DELETE FROM ledger_transfers WHERE kind = 'mint' AND reference = $1`, [sunMint.id]],
    );
    expect(await finds()).toMatchObject([
      {
        type: 'MINT_NOT_BOOKED',
        entityId: sunMint.id,
        expected: '1.100',
        actual: '0.000',
        difference: '-1.100',
      },
      { type: 'SUPPLY_MISMATCH', entityId: 'energy:solar', expected: '1.100', actual: '0.000' },
    ]);
  });

  it('MINT_BOOKED_DIFFERENTLY: both sides of a booking that were raised together', async () => {
    await damage(
      [
        `UPDATE ledger_entries SET amount = amount * 2
          WHERE transfer_id = (SELECT id FROM ledger_transfers WHERE kind = 'mint' AND reference = $1)`,
        [sunMint.id],
      ],
      [`UPDATE ledger_accounts SET balance = balance * 2 WHERE asset = 'energy:solar'`],
    );
    expect(await finds()).toMatchObject([
      { type: 'MINT_BOOKED_DIFFERENTLY', entityId: sunMint.id, expected: '1.100', actual: '2.200' },
      { type: 'SUPPLY_MISMATCH', entityId: 'energy:solar', expected: '1.100', actual: '2.200' },
    ]);
  });

  it('ACCOUNT_BALANCE_MISMATCH: money that appeared in an account', async () => {
    await damage([
      `UPDATE ledger_accounts SET balance = balance + 5000000 WHERE user_id = $1 AND asset = 'THB' AND bucket = 'available'`,
      [ann.id],
    ]);
    expect(await finds()).toMatchObject([
      { type: 'ACCOUNT_BALANCE_MISMATCH', entity: 'ledger_accounts', unit: 'THB', difference: '5.000000' },
    ]);
  });

  it('LEDGER_OUT_OF_BALANCE: an entry without another side', async () => {
    await damage(
      [
        `INSERT INTO ledger_entries (account_id, id, transfer_id, amount, created_at)
         SELECT account_id, gen_random_uuid(), transfer_id, 1500, created_at FROM ledger_entries e
          WHERE EXISTS (SELECT 1 FROM ledger_accounts a WHERE a.id = e.account_id AND a.user_id = $1
                           AND a.asset = 'energy:solar') LIMIT 1`,
        [ann.id],
      ],
      [
        `UPDATE ledger_accounts SET balance = balance + 1500 WHERE user_id = $1 AND asset = 'energy:solar'`,
        [ann.id],
      ],
    );
    expect(await finds()).toMatchObject([
      { type: 'MINT_BOOKED_DIFFERENTLY', entityId: sunMint.id, expected: '1.100', actual: '2.600' },
      { type: 'SUPPLY_MISMATCH', entityId: 'energy:solar', expected: '1.100', actual: '2.600' },
      { type: 'LEDGER_OUT_OF_BALANCE', entityId: 'energy:solar', expected: '0.000', actual: '1.500' },
    ]);
  });

  it('REFUSED_REVISION: other figures that came after the mint, until they are taken over', async () => {
    await generates(app, wind, MAY.from, [2_500]);
    expect(await finds()).toMatchObject([
      {
        type: 'REFUSED_REVISION',
        entity: 'reading_revisions',
        expected: '2.500',
        actual: '2.000',
        difference: '-0.500',
      },
    ]);
  });

  it('CERTIFIED_MORE_THAN_GENERATED: readings that shrank behind a certificate, unless it is withdrawn', async () => {
    await damage([
      `UPDATE meter_readings SET generated_wh = 60, consumed_wh = 300, surplus_wh = 0
        WHERE meter_id = $1 AND interval_start = $2`,
      [sun.id, '2025-05-01T00:30:00Z'],
    ]);
    expect(await finds()).toMatchObject([
      {
        type: 'CERTIFIED_MORE_THAN_GENERATED',
        entity: 'certificate_issuances',
        expected: '1.560',
        actual: '1.600',
        difference: '0.040',
      },
    ]);
    const { body } = await app.get('/api/certificates', { as: ann });
    const { certificateId } = body.items[0];
    await app.post(`/api/certificates/${certificateId}/withdraw`, {
      as: app.admin,
      body: { reason: 'Wrong' },
    });
    expect(await finds()).toEqual([]);
  });

  it('several at once are listed page by page and by type, and counted in the metrics', async () => {
    await damage(
      ['DELETE FROM mints WHERE id = $1', [windMint.id]],
      [`UPDATE ledger_accounts SET balance = balance + 1 WHERE asset = 'THB'`],
    );
    const run = await runs();
    const all = await breaksOf(run);
    const path = `/api/reconciliations/${run.id}/breaks?limit=2`;
    const paged: any[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await app.get(`${path}${cursor && `&cursor=${cursor}`}`, { as: app.admin });
      paged.push(...body.items);
      cursor = body.nextCursor;
    }
    expect(paged).toEqual(all);
    const accounts = await breaksOf(run, '?type=ACCOUNT_BALANCE_MISMATCH');
    expect(accounts).toHaveLength(run.breaksByType.ACCOUNT_BALANCE_MISMATCH);
    expect(new Set(types(accounts))).toEqual(new Set(['ACCOUNT_BALANCE_MISMATCH']));
    expect(await breaksOf(run, '?type=UNHEARD_OF')).toEqual([]);

    const gauge = async (type: string) =>
      new RegExp(`^reconciliation_breaks\\{type="${type}"\\} (\\d+)`, 'm').exec(
        (await app.get('/metrics')).body,
      )?.[1];
    expect(await gauge('ACCOUNT_BALANCE_MISMATCH')).toBe(String(accounts.length));
    expect(await gauge('REFUSED_REVISION')).toBe('0');
    expect(await otherProcessShows('ACCOUNT_BALANCE_MISMATCH')).toBe(accounts.length);
    expect(await otherProcessShows('REFUSED_REVISION')).toBe(0);
  });

  /** What a process that did not run the check tells of it. */
  async function otherProcessShows(type: string): Promise<number | undefined> {
    const made = { help: 'of another process', registers: [] };
    const breaks = new Gauge({ ...made, name: 'breaks', labelNames: ['type'] });
    const database = new ReportDatabase(app.urls);
    const figures = new ScrapeFigures(
      database,
      new Gauge({ ...made, name: 'read_at', labelNames: ['figures'] }),
    );
    try {
      new ReconciliationMetrics(figures, breaks).onModuleInit();
      const shown = async () => (await breaks.get()).values.find(({ labels }) => labels.type === type)?.value;
      // The first scrape waits a second for it, and no longer.
      return await eventually(shown, (value) => value !== undefined);
    } finally {
      figures.onApplicationShutdown();
      await database.onApplicationShutdown();
    }
  }
});
