import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { loadConfig } from '../src/config/config';
import { validateSchema } from '../src/database/schema/validate';
import { JobsService } from '../src/jobs/jobs.service';
import { HistoryService } from '../src/monitoring/history/history.service';
import { dropDays, makeDays } from '../src/monitoring/history/day-partitions';
import { record, takeSnapshot } from '../src/monitoring/history/snapshot';
import { ReportDatabase } from '../src/monitoring/reports/report-database';
import { readReport, sourceOf, type ReportAnswer } from '../src/monitoring/reports/report-reader';
import { indexesUnused } from '../src/monitoring/reports/indexes-unused.report';
import type { ReportSource } from '../src/monitoring/reports/report-source';
import { reportNamed } from '../src/monitoring/reports/reports';
import { asOwner, migratedDatabase } from './support/database';
import { IndexLab } from './support/index-lab';

type Row = Record<string, any>;
type Answer = Omit<ReportAnswer, 'rows'> & { readonly rows: readonly Row[] };

const HOLDERS = 25;
const RETENTION_DAYS = 14;
const COUNTED = /AS counted_in_history/;

describe('the history of the database', () => {
  let lab: IndexLab;
  let database: ReportDatabase;
  let recorder: Client;

  beforeAll(async () => {
    lab = new IndexLab(await migratedDatabase());
    database = new ReportDatabase(lab.urls);
    recorder = new Client({ connectionString: lab.urls.ownerUrl });
    await recorder.connect();
    await makeDays(recorder);
  });
  afterEach(() => lab.run('DROP TABLE IF EXISTS scratch'));
  afterAll(async () => {
    await recorder.end();
    await lab.tidy();
    await database.onApplicationShutdown();
  });

  const snapshot = async (): Promise<Date> => (await record(recorder)).takenAt;
  const flush = () => lab.run('SELECT pg_stat_force_next_flush()');
  async function read(name: string, from: Date, to: Date): Promise<Answer> {
    const report = reportNamed(name);
    if (report === undefined) throw new Error(`There is no report ${name}`);
    return readReport(report, await sourceOf(database), { limit: 500, from, to });
  }
  const counted = ({ rows }: Answer) => rows.filter(({ statement }) => COUNTED.test(statement));
  const ask = async (times: number, hidden = 'a value of somebody'): Promise<void> => {
    for (let time = 0; time < times; time++)
      await lab.run(`SELECT '${hidden}' || relname AS counted_in_history FROM pg_class LIMIT 3`);
  };

  const resetStatements = () =>
    lab.run('SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = current_database()');

  it('leaves the schema as the entities say', async () => {
    expect((await validateSchema(lab.urls.ownerUrl)).differences).toEqual([]);
  });

  describe('slow-queries', () => {
    it('count what was asked between two snapshots, and nothing before or after', async () => {
      await ask(5);
      const from = await snapshot();
      await ask(3);
      const to = await snapshot();
      await ask(4);
      await snapshot();

      const answer = await read('slow-queries', from, to);
      expect(counted(answer)).toMatchObject([
        { calls: 3, rows: 9, minMs: null, maxMs: null, roles: ['gridtokenx_owner'] },
      ]);
      const [row] = counted(answer);
      expect(row?.['meanMs']).toBeCloseTo(row?.['totalMs'] / 3);
      expect(row?.['share']).toBeGreaterThan(0);
      expect(row?.['stddevMs']).toBeGreaterThanOrEqual(0);
      expect(answer.summary).toMatchObject({ since: from.toISOString() });
    });

    it('keep no value of any statement', async () => {
      await ask(1, 'told to nobody');
      await lab.run(`COMMENT ON TABLE users IS 'told to nobody'`);
      await snapshot();

      expect(
        await lab.run(`SELECT statement FROM recorded_statements WHERE statement ~ 'told to nobody'`),
      ).toEqual([]);
      expect(
        await lab.run(`SELECT 1 FROM recorded_statements WHERE statement ~ 'counted_in_history'`),
      ).toHaveLength(1);
    });

    it('survive a reset and an entry that was thrown away: no difference is below zero', async () => {
      await ask(6);
      const from = await snapshot();
      await resetStatements();
      await ask(2);
      const reset = await snapshot();
      const [entry] = await lab.run(
        `SELECT userid, dbid, queryid FROM pg_stat_statements
          WHERE query ~ 'counted_in_history' AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      await lab.run('SELECT pg_stat_statements_reset($1, $2, $3)', [entry.userid, entry.dbid, entry.queryid]);
      await ask(1);
      const to = await snapshot();

      expect(counted(await read('slow-queries', from, reset))).toMatchObject([{ calls: 2 }]);
      expect(counted(await read('slow-queries', reset, to))).toMatchObject([{ calls: 1 }]);
      expect(
        await lab.run('SELECT 1 FROM statement_snapshots WHERE least(calls, total_ms, squares_ms, rows) < 0'),
      ).toEqual([]);
    });

    it('know by the time of a reset that counters began anew, though they are higher than before', async () => {
      await resetStatements();
      await ask(2);
      const from = await snapshot();
      // As if all counters had been reset since, which would take those of other databases with them.
      await lab.run(`UPDATE statement_counters SET read_at = '2001-01-01T00:00:00Z'`);
      await ask(7);
      const to = await snapshot();

      expect(counted(await read('slow-queries', from, to))).toMatchObject([{ calls: 9 }]);
    });

    it('write only what changed', async () => {
      await ask(1);
      await snapshot();
      const takenAt = await snapshot();

      const [row] = await lab.run(
        `SELECT count(*)::int AS rows FROM statement_snapshots s JOIN recorded_statements r ON r.query_id = s.query_id
          WHERE s.taken_at = $1 AND r.statement ~ 'counted_in_history FROM pg_class'`,
        [takenAt],
      );
      expect(row).toEqual({ rows: 0 });
    });

    it('say which time the history knows when it is asked of another', async () => {
      await snapshot();
      expect(
        await read('slow-queries', new Date('2001-01-01T00:00:00Z'), new Date('2001-01-02T00:00:00Z')),
      ).toMatchObject({ available: false, missing: expect.stringContaining('snapshot') });
    });
  });

  it('shows what was done in a table and how it grew, through a loss of all counts', async () => {
    await lab.run('CREATE TABLE scratch (id int, word text) WITH (autovacuum_enabled = false)');
    await lab.run(`INSERT INTO scratch SELECT n, repeat('x', 100) FROM generate_series(1, 1000) AS n`);
    await flush();
    const from = await snapshot();
    await lab.run(`INSERT INTO scratch SELECT n, repeat('x', 100) FROM generate_series(1, 5000) AS n`);
    await flush();
    await snapshot();
    await lab.run(`SELECT pg_stat_reset_single_table_counters('scratch'::regclass)`);
    await snapshot();
    await lab.run('INSERT INTO scratch VALUES (1), (2)');
    await flush();
    const to = await snapshot();

    const tables = await read('tables', from, to);
    const [row] = tables.rows.filter(({ table }) => table === 'scratch');
    expect(row).toMatchObject({ nTupIns: 5_002, nTupUpd: 0 });
    expect(row?.['growthBytes']).toBeGreaterThan(500_000);
    const space = await read('space', from, to);
    expect(space.rows.filter(({ name }) => name === 'scratch')).toMatchObject([
      { growth: row?.['growthBytes'] },
    ]);
    const [whole] = space.rows.filter(({ kind }) => kind === 'database');
    // Less than that of the table where a catalogue shrank meanwhile.
    const [taken] = await lab.run(
      `SELECT (max(database_bytes) FILTER (WHERE taken_at = $2) - max(database_bytes) FILTER (WHERE taken_at = $1))::int AS growth
         FROM server_snapshots`,
      [from, to],
    );
    expect(whole).toMatchObject(taken ?? {});
    expect(whole?.['growth']).not.toBe(0);
    expect(space.summary?.['walWrittenBytes']).toBeGreaterThan(500_000);
  });

  describe('of a table that nobody could look at when the window began', () => {
    const inserting = 'INSERT INTO latecomer SELECT n FROM generate_series(1, $1) AS n';
    const rowOf = ({ rows }: Answer, key: string) => rows.filter((row) => row[key] === 'latecomer');

    beforeEach(async () => {
      await lab.run('CREATE TABLE latecomer (id int) WITH (autovacuum_enabled = false)');
      for (const table of ['table_snapshots', 'server_snapshots'])
        await lab.run(
          `CREATE TABLE ${table}_2001_02_03 PARTITION OF ${table}
             FOR VALUES FROM ('2001-02-03 00:00:00+00') TO ('2001-02-04 00:00:00+00')`,
        );
    });
    afterEach(async () => {
      await lab.run('DROP TABLE latecomer, table_snapshots_2001_02_03, server_snapshots_2001_02_03');
      await lab.run(`DELETE FROM table_snapshots WHERE table_name = 'latecomer'`);
    });

    /** A window at whose beginning, and before, somebody keeps everyone else out; so many rows come afterwards. */
    async function window(rowsBefore: number, rowsAfter: number): Promise<[from: Date, to: Date]> {
      await lab.run(inserting, [rowsBefore]);
      await flush();
      const holder = await lab.session();
      await holder.query('BEGIN; LOCK TABLE latecomer IN ACCESS EXCLUSIVE MODE');
      const from = await snapshot();
      await holder.query('ROLLBACK');
      await lab.run(inserting, [rowsAfter]);
      await flush();
      return [from, await snapshot()];
    }

    it('shows nothing where it was never seen before', async () => {
      const [from, to] = await window(5_000, 10);

      expect(rowOf(await read('tables', from, to), 'table')).toEqual([]);
      expect(rowOf(await read('space', from, to), 'name')).toMatchObject([{ growth: null }]);
    });

    it('shows what came since it was last seen, on whatever day', async () => {
      await lab.run(
        `INSERT INTO table_snapshots (table_name, taken_at, whole_name, table_bytes, index_bytes, toast_bytes, live_rows,
                                      dead_rows, seq_scans, seq_rows, index_scans, index_rows, inserted, updated,
                                      hot_updated, deleted)
         VALUES ('latecomer', '2001-02-03 12:00:00+00', 'latecomer', 8192, 0, 0, 5000, 0, 0, 0, 0, 0, 5000, 0, 0, 0)`,
      );
      const [from, to] = await window(5_000, 10);

      expect(rowOf(await read('tables', from, to), 'table')).toMatchObject([{ nTupIns: 10, growthRows: 10 }]);
    });

    it('shows all of it where the history is old enough to know that it was not there', async () => {
      await lab.run(
        `INSERT INTO server_snapshots (taken_at, active, idle, idle_in_transaction, waiting_for_lock, hidden, blocks_hit,
                                       blocks_read, commits, rollbacks, database_bytes, wal_position)
         VALUES ('2001-02-03 12:00:00+00', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)`,
      );
      const [from, to] = await window(5_000, 10);

      expect(rowOf(await read('tables', from, to), 'table')).toMatchObject([
        { nTupIns: 5_010, growthRows: 5_010 },
      ]);
    });
  });

  it('shows how often an index was read', async () => {
    await lab.run('CREATE TABLE scratch (id int PRIMARY KEY)');
    await lab.run('INSERT INTO scratch SELECT n FROM generate_series(1, 1000) AS n');
    await lab.run('SET enable_seqscan = off; SET enable_bitmapscan = off');
    const from = await snapshot();
    for (const id of [1, 2, 3]) await lab.run('SELECT id FROM scratch WHERE id = $1', [id]);
    await flush();
    const to = await snapshot();

    const { rows } = await read('indexes', from, to);
    expect(rows.filter(({ index }) => index === 'scratch_pkey')).toMatchObject([
      { idxScan: 3, idxTupRead: 3, idxTupFetch: null, growth: 0 },
    ]);
  });

  it('keeps what is locked in another database, where tables have the same numbers', async () => {
    const { ownerUrl } = await migratedDatabase();
    const elsewhere = new Client({ connectionString: ownerUrl });
    await elsewhere.connect();
    await makeDays(elsewhere);
    const number = `SELECT 'users'::regclass::oid AS number`;
    expect((await elsewhere.query(number)).rows).toEqual(await lab.run(number));
    const holder = await lab.session();
    await holder.query('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
    await record(elsewhere);
    await holder.query('ROLLBACK');

    const { rows } = await elsewhere.query(
      `SELECT count(DISTINCT t.table_name)::int AS tables, count(DISTINCT i.index_name)::int AS indexes
         FROM table_snapshots t JOIN index_snapshots i ON i.whole_name = 'users_pkey'
        WHERE t.table_name = 'users'`,
    );
    await elsewhere.end();
    expect(rows).toEqual([{ tables: 1, indexes: 1 }]);
  });

  it('keeps an index from being judged by counts that are older than itself', async () => {
    await snapshot();
    await lab.run('CREATE TABLE scratch (id int, word text)');
    await lab.run('CREATE INDEX scratch_late ON scratch (word)');
    const seen = await snapshot();
    await lab.run('CREATE INDEX scratch_later ON scratch (id)');
    const source = await sourceOf(database);
    const month = 30 * 24 * 3_600_000;
    /** The same server when it has counted for a month. */
    const query: ReportSource['query'] = async (text, values) => {
      const rows = await source.query<any>(text, values);
      return rows.map((row: Row) =>
        row['since'] instanceof Date && !('index' in row)
          ? { ...row, since: new Date(row['since'].getTime() - month) }
          : row,
      ) as any[];
    };

    const { findings } = await readReport(indexesUnused, { ...source, query }, {});
    const about = (index: string) => findings.filter(({ subject }) => subject === index);
    expect(about('scratch_late')).toMatchObject([
      {
        severity: 'info',
        detail: expect.stringContaining(`first seen at ${seen.toISOString()}; it is not judged`),
      },
    ]);
    expect(about('scratch_later')).toMatchObject([{ detail: expect.stringContaining('it is not judged') }]);
    expect(findings.filter(({ detail }) => !detail.includes('it is not judged'))).not.toEqual([]);
  });

  it('shows the server over time', async () => {
    const holder = await lab.session();
    await holder.query('BEGIN');
    await holder.query('SELECT 1');
    const from = await snapshot();
    const to = await snapshot();
    await holder.query('ROLLBACK');

    const { rows } = await read('history', from, to);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.['idleInTransaction']).toBeGreaterThanOrEqual(1);
    expect(rows[0]?.['active']).toBeGreaterThanOrEqual(1);
    expect(rows[0]?.['databaseBytes']).toBeGreaterThan(1_000_000);
    expect(rows[0]?.['at']).toBe(to.toISOString());
  });

  it('shows the most connections at one time, and when that was', async () => {
    const from = await snapshot();
    // More than other tests on this server hold at a time.
    const holders = await Promise.all(Array.from({ length: HOLDERS }, () => lab.session()));
    for (const holder of holders) await holder.query('BEGIN');
    const at = await snapshot();
    for (const holder of holders) await holder.query('ROLLBACK');
    const to = await snapshot();

    const { rows, summary, notes } = await read('connections', from, to);
    expect(rows[0]).toMatchObject({ state: '(all)', connections: summary?.['used'] });
    const idle = rows.filter(({ state }) => state === 'idle in transaction');
    expect(idle).toMatchObject([{ application: '(all)', longestSeconds: null, at: at.toISOString() }]);
    expect(idle[0]?.['connections']).toBeGreaterThanOrEqual(HOLDERS);
    expect(notes[0]).toContain(from.toISOString());
  });

  it('shows how much was found in memory meanwhile', async () => {
    await lab.run('CREATE TABLE scratch AS SELECT n FROM generate_series(1, 1000) AS n');
    const from = await snapshot();
    for (let times = 0; times < 5; times++) await lab.run('SELECT count(*) FROM scratch');
    await flush();
    const to = await snapshot();

    const { rows, summary } = await read('cache-hit-ratio', from, to);
    expect(rows).toMatchObject([{ table: '(this database)', tableRatio: null, indexRatio: null }]);
    expect(rows[0]?.['hits']).toBeGreaterThanOrEqual(25);
    expect(rows[0]?.['ratio']).toBeGreaterThan(0.5);
    expect(summary?.['together']).toBeCloseTo(rows[0]?.['ratio'], 3);
  });

  it('is for the owner to write: the application may not change it', async () => {
    for (const table of [
      'server_snapshots',
      'statement_snapshots',
      'recorded_statements',
      'statement_counters',
    ]) {
      const application = new Client({ connectionString: lab.urls.applicationUrl });
      await application.connect();
      await expect(application.query(`DELETE FROM ${table}`)).rejects.toMatchObject({ code: '42501' });
      await application.end();
    }
  });

  describe('keeping', () => {
    const partitions = async (): Promise<string[]> =>
      (
        await lab.run(
          `SELECT c.relname AS name FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
            WHERE h.inhparent = 'table_snapshots'::regclass ORDER BY 1`,
        )
      ).map(({ name }) => name as string);

    it('makes partitions ahead, and drops whole days that are over', async () => {
      await lab.run(
        `CREATE TABLE table_snapshots_2001_02_03 PARTITION OF table_snapshots
           FOR VALUES FROM ('2001-02-03 00:00:00+00') TO ('2001-02-04 00:00:00+00')`,
      );
      await makeDays(recorder);
      const before = await partitions();
      expect(before.length).toBeGreaterThanOrEqual(4);

      expect(await dropDays(recorder, RETENTION_DAYS)).toBe(1);
      expect(await partitions()).toEqual(before.filter((name) => name !== 'table_snapshots_2001_02_03'));
    });

    it('leaves a day that somebody reads for later', async () => {
      await lab.run(
        `CREATE TABLE table_snapshots_2001_02_03 PARTITION OF table_snapshots
           FOR VALUES FROM ('2001-02-03 00:00:00+00') TO ('2001-02-04 00:00:00+00')`,
      );
      const reader = await lab.session();
      await reader.query('BEGIN');
      await reader.query('SELECT count(*) FROM table_snapshots_2001_02_03');
      await recorder.query(`SET lock_timeout = '100ms'`);
      expect(await dropDays(recorder, RETENTION_DAYS)).toBe(0);
      await reader.query('COMMIT');
      expect(await dropDays(recorder, RETENTION_DAYS)).toBe(1);
    });
  });
});

describe('the minutes of the history', () => {
  it('have one snapshot each, however many processes come', async () => {
    const { ownerUrl } = await migratedDatabase();
    const minute = (date: Date) => date.toISOString().slice(0, 16);
    const taken = await Promise.all([1, 2, 3, 4].map(() => takeSnapshot(ownerUrl, RETENTION_DAYS)));
    const again = await takeSnapshot(ownerUrl, RETENTION_DAYS);
    const minutes = [...taken, again].flatMap((snapshot) => (snapshot ? [minute(snapshot.takenAt)] : []));

    expect(minutes.length).toBeGreaterThanOrEqual(1);
    expect(new Set(minutes).size).toBe(minutes.length);
  });

  it('are without statements where pg_stat_statements is not installed', async () => {
    const urls = await migratedDatabase();
    await asOwner(urls, 'DROP EXTENSION pg_stat_statements');

    expect(await takeSnapshot(urls.ownerUrl, RETENTION_DAYS)).toMatchObject({ statements: false });
    expect(await asOwner(urls, 'SELECT count(*)::int AS taken FROM table_snapshots')).not.toEqual([
      { taken: 0 },
    ]);
  });

  it('go on when the database is there again, and the gap is told once', async () => {
    const said: string[] = [];
    for (const level of ['log', 'warn'] as const)
      jest
        .spyOn(Logger.prototype, level)
        .mockImplementation((...words: unknown[]) => void said.push(String(words[0])));
    const there = await migratedDatabase();
    const urls = { ...there, ownerUrl: there.ownerUrl.replace(/:\d+\//, ':1/') };
    const environment = loadConfig({ DATABASE_URL: there.applicationUrl, JWT_SECRET: 's'.repeat(32) });
    const service = new HistoryService(environment, urls, new JobsService(there));

    await service.run();
    await service.run();
    urls.ownerUrl = there.ownerUrl;
    await service.run();
    await service.run();

    expect(said).toEqual([
      expect.stringContaining('has a gap from now on: Error: connect ECONNREFUSED'),
      'The history of the database goes on',
    ]);
    expect(await asOwner(there, 'SELECT 1 FROM server_snapshots')).not.toEqual([]);
  });
});
