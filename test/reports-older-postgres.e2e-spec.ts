import { migrate } from '../src/database/schema/migrate';
import { record, type Snapshot } from '../src/monitoring/history/snapshot';
import { adviceFor } from '../src/monitoring/reports/index-advice';
import { ReportDatabase } from '../src/monitoring/reports/report-database';
import { sourceOf } from '../src/monitoring/reports/report-reader';
import { REPORTS } from '../src/monitoring/reports/reports';
import { startApp, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { eventually } from './support/eventually';
import { historyRecorder } from './support/history-recorder';
import { OlderPostgres } from './support/older-postgres';

const DB = '/api/admin/db';
type Row = Record<string, any>;

describe('reports on the oldest PostgreSQL that is supported', () => {
  let older: OlderPostgres | undefined;
  let app: TestApp;
  let auditor: Person;

  beforeAll(async () => {
    older = await OlderPostgres.start();
    await asOwner(older.urls, 'CREATE EXTENSION pg_stat_statements');
    await migrate(older.urls.ownerUrl, older.urls.applicationUrl);
    app = await startApp({}, older.urls);
    auditor = await app.registers({ role: 'auditor' });
  });
  afterAll(async () => {
    await app?.close();
    older?.remove();
  });

  const owner = <Found = Row>(text: string, values: unknown[] = []): Promise<Found[]> =>
    asOwner<Found>(app.urls, text, values);
  const read = async (path: string): Promise<Row> => {
    const { status, body } = await app.get(`${DB}/${path}`, { as: auditor });
    expect({ path, status }).toEqual({ path, status: 200 });
    return body;
  };
  async function snapshot(): Promise<Snapshot> {
    const recorder = await historyRecorder(app.urls);
    return record(recorder).finally(() => recorder.end());
  }
  async function idOf(pattern: string): Promise<string> {
    const [row] = await owner<{ id: string }>(
      `SELECT queryid::text AS id FROM pg_stat_statements WHERE query ~ $1 AND query !~ 'pg_stat_statements'`,
      [pattern],
    );
    return row?.id ?? '';
  }

  describe('without the library of pg_stat_statements', () => {
    it('say how to get it, and leave it out of the history', async () => {
      expect(await snapshot()).toMatchObject({ statements: false });
      const missing = {
        available: false,
        missing: 'the library of pg_stat_statements',
        howTo: expect.stringContaining('add pg_stat_statements to shared_preload_libraries'),
      };

      for (const path of ['slow-queries', 'indexes/advice', 'queries/1'])
        expect(await read(path)).toMatchObject(missing);
      expect(await app.post(`${DB}/queries/1/explain`, { as: app.admin, body: {} })).toMatchObject({
        status: 200,
        body: missing,
      });
      expect((await read('settings'))['findings']).toContainEqual(
        expect.objectContaining({ subject: 'pg_stat_statements' }),
      );
    });
  });

  describe('with it', () => {
    beforeAll(async () => {
      older?.restart('pg_stat_statements');
      await eventually(
        () => app.get(DB, { as: auditor }),
        ({ status }) => status === 200,
      );
      await owner(`CREATE EXTENSION IF NOT EXISTS pgstattuple`);
    });

    it('are all answered', async () => {
      expect(await snapshot()).toMatchObject({ statements: true });
      await owner(`SELECT username AS asked_on_older FROM users WHERE email = 'a secret of somebody'`);
      await snapshot();

      for (const { name } of REPORTS)
        expect(await read(name)).toMatchObject({ report: name, available: true });
      expect((await read('slow-queries?limit=500')).rows).toContainEqual(
        expect.objectContaining({ statement: expect.stringContaining('asked_on_older'), calls: 1 }),
      );
      expect((await read('history')).rows.length).toBeGreaterThan(0);
    });

    it('plan a recorded statement by a prepared one, for any values and for given ones', async () => {
      const id = await idOf('asked_on_older');

      expect(await read(`queries/${id}`)).toMatchObject({
        available: true,
        history: { available: true },
        plan: { available: true, plan: { 'Relation Name': 'users' } },
      });
      for (const [body, plan] of [
        [{}, 'generic'],
        [{ parameters: ['nobody@example.org'] }, 'custom'],
      ] as const)
        expect(await app.post(`${DB}/queries/${id}/explain`, { as: app.admin, body })).toMatchObject({
          status: 200,
          body: { available: true, plan },
        });
    });

    describe('and HypoPG', () => {
      beforeAll(async () => {
        await owner('CREATE EXTENSION hypopg');
        await owner(
          `CREATE TABLE scratch (id int PRIMARY KEY, owner_id int NOT NULL, kind int NOT NULL, letter text NOT NULL);
           ALTER TABLE scratch ALTER letter SET STORAGE PLAIN;
           INSERT INTO scratch SELECT n, n, n % 7, repeat('x', 3000) || n FROM generate_series(1, 3000) AS n;
           ANALYZE scratch`,
        );
        for (let time = 1; time <= 12; time++) {
          await owner(`SELECT id FROM scratch WHERE owner_id = ${time}`);
          await owner(`SELECT id FROM scratch WHERE letter = 'a secret of somebody ${time}'`);
        }
      });

      it('advise what the planner would take, and leave out what no index can hold', async () => {
        const body = await read('indexes/advice?limit=500');

        expect(body['rows'].filter(({ table }: Row) => table === 'scratch')).toMatchObject([
          { columns: 'owner_id', weighedBy: 'HypoPG', calls: 12, index: 'scratch_owner_id' },
        ]);
        const [advised] = body['rows'];
        expect(advised.costAfter).toBeLessThan(advised.costBefore / 2);
        expect(advised.bytes).toBeGreaterThan(0);
        expect(body['notes']).toContainEqual(
          expect.stringMatching(
            /^HypoPG cannot weigh an index on scratch \(letter\), which is left out: .*size/,
          ),
        );
        expect(JSON.stringify(body)).not.toContain('a secret of somebody');
      });

      it('look at the time before each statement and each of its candidates', async () => {
        const database = new ReportDatabase(app.urls);
        const source = await sourceOf(database);
        let asked = 0;
        const inTime = await adviceFor(source, () => (asked += 1) < 0);
        const late = await adviceFor(source, () => true);
        await database.onApplicationShutdown();

        const looked = Number(/^Looked at (\d+) of /.exec(inTime.notes[0] ?? '')?.[1]);
        expect(asked).toBeGreaterThan(looked);
        expect(late).toMatchObject({
          advice: [],
          notes: expect.arrayContaining([expect.stringMatching(/^Looked at 0 of /)]),
        });
      });
    });
  });
});
