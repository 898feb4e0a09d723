import { ReportDatabase } from '../src/monitoring/reports/report-database';
import { readReport, sourceOf, type ReportAnswer } from '../src/monitoring/reports/report-reader';
import type { ReportSource } from '../src/monitoring/reports/report-source';
import { reportNamed } from '../src/monitoring/reports/reports';
import { emptyDatabase, migratedDatabase, untilBlockedBy } from './support/database';
import { eventually } from './support/eventually';
import { IndexLab } from './support/index-lab';

const DAY_MS = 24 * 3_600_000;

type Row = Record<string, any>;
type Answer = Omit<ReportAnswer, 'rows'> & { readonly rows: readonly Row[] };

describe('reports from the statistics of PostgreSQL', () => {
  let lab: IndexLab;
  let database: ReportDatabase;
  let source: ReportSource;

  beforeAll(async () => {
    lab = new IndexLab(await migratedDatabase());
    database = new ReportDatabase(lab.urls);
    source = await sourceOf(database);
  });
  afterEach(async () => {
    await lab.run('DROP SCHEMA IF EXISTS elsewhere CASCADE');
    await lab.run('DROP TABLE IF EXISTS scratch, scratch_parent CASCADE');
    await lab.run('DROP EXTENSION IF EXISTS pgstattuple');
    await lab.tidy();
  });
  afterAll(() => database.onApplicationShutdown());

  async function read(name: string, from: ReportSource = source, limit?: number): Promise<Answer> {
    const report = reportNamed(name);
    if (report === undefined) throw new Error(`There is no report ${name}`);
    return readReport(report, from, { limit });
  }
  const about = ({ findings }: Answer, subject: string) =>
    findings.filter((finding) => finding.subject === subject);
  const rowsOf = ({ rows }: Answer, key: string, value: string) => rows.filter((row) => row[key] === value);
  /** Reads again until the counts of other sessions have arrived. */
  const readUntil = (name: string, arrived: (answer: Answer) => boolean) =>
    eventually(() => read(name), arrived);
  const flush = () => lab.run('SELECT pg_stat_force_next_flush()');

  /** A table without autovacuum, with so many rows. */
  async function scratch(rows: number, options = 'autovacuum_enabled = false'): Promise<void> {
    await lab.run(`CREATE TABLE scratch (id int NOT NULL, word text) WITH (${options})`);
    await lab.run(`INSERT INTO scratch SELECT n, 'word ' || n FROM generate_series(1, $1) AS n`, [rows]);
  }

  describe('slow-queries', () => {
    it('name a slow statement, with what it cost and without its values', async () => {
      await lab.run(`SELECT pg_sleep(0.21) AS napped, 'a secret of somebody' AS secret`);
      await lab.run(`SELECT pg_sleep(0.21) AS napped, 'another secret' AS secret`);

      const answer = await read('slow-queries');
      const [row] = answer.rows.filter(({ statement }) => /AS napped/.test(statement));
      expect(row).toMatchObject({ calls: 2, rows: 2, roles: ['gridtokenx_owner'] });
      expect(row?.['totalMs']).toBeGreaterThan(420);
      expect(row?.['meanMs']).toBeCloseTo(row?.['totalMs'] / 2);
      expect(row?.['minMs']).toBeLessThanOrEqual(row?.['meanMs']);
      expect(row?.['maxMs']).toBeGreaterThanOrEqual(row?.['meanMs']);
      expect(row?.['stddevMs']).toBeCloseTo((row?.['maxMs'] - row?.['minMs']) / 2, 3);
      expect(row?.['share']).toBeGreaterThan(0);
      expect(about(answer, row?.['queryId'])).toMatchObject([
        { severity: 'warn', detail: expect.stringContaining('AS napped') },
      ]);
      expect(JSON.stringify(answer)).not.toMatch(/a secret of somebody|another secret/);
    });

    it('name what is slow also where its row is cut off', async () => {
      const slow = ['AS one_of_two', 'AS other_of_two'];
      await lab.run(`SELECT pg_sleep(0.21) ${slow[0]}`);
      await lab.run(`SELECT pg_sleep(0.21) ${slow[1]}, true AS more`);

      const { rows, findings, total, notes } = await read('slow-queries', source, 1);
      expect(rows).toHaveLength(1);
      const cutOff = slow.filter((name) => !rows[0]?.['statement'].includes(name));
      expect(cutOff).not.toEqual([]);
      for (const name of cutOff)
        expect(findings).toContainEqual(expect.objectContaining({ detail: expect.stringContaining(name) }));
      expect(total).toBeGreaterThan(1);
      expect(notes).toContainEqual(expect.stringMatching(/^1 of .+ rows: \?limit=/));
    });

    it('show no value of a utility statement, which PostgreSQL keeps as it was', async () => {
      await lab.run(`SET application_name = 'told to nobody'`);
      await lab.run(`COMMENT ON TABLE users IS 'told to nobody'`);

      expect(JSON.stringify(await read('slow-queries'))).not.toContain('told to nobody');
    });

    it('are those of this database alone', async () => {
      const other = new IndexLab(await emptyDatabase());
      await other.run('SELECT 1 AS asked_elsewhere');
      await other.tidy();

      expect(JSON.stringify(await read('slow-queries'))).not.toContain('AS asked_elsewhere');
    });

    it('say where the extension is not installed, and how to get it', async () => {
      const bare = new ReportDatabase(await emptyDatabase());

      expect(await read('slow-queries', await sourceOf(bare))).toMatchObject({
        available: false,
        missing: 'pg_stat_statements',
        howTo: expect.stringContaining('shared_preload_libraries'),
      });
      await bare.onApplicationShutdown();
    });
  });

  describe('tables', () => {
    it('count reads and writes, and name stale statistics and dead rows', async () => {
      await scratch(2_000);
      await flush();
      await lab.run('ANALYZE scratch');
      await lab.run('UPDATE scratch SET word = upper(word) WHERE id <= 1000');
      await lab.run('DELETE FROM scratch WHERE id > 1900');
      await flush();

      const answer = await readUntil(
        'tables',
        (now) => rowsOf(now, 'table', 'scratch')[0]?.['nTupDel'] === 100,
      );
      expect(rowsOf(answer, 'table', 'scratch')).toMatchObject([
        {
          partitions: 0,
          nTupIns: 2_000,
          nTupUpd: 1_000,
          nLiveTup: 1_900,
          nDeadTup: 1_100,
          lastAnalyze: expect.stringMatching(/^\d{4}-/),
          lastVacuum: null,
          indexBytes: 0,
        },
      ]);
      expect(about(answer, 'scratch')).toMatchObject([
        { detail: expect.stringMatching(/1 100 dead rows.*due from 450, and autovacuum is off/) },
        {
          detail: expect.stringMatching(/stale statistics: 1 100 rows changed/),
          remedy: 'Run ANALYZE scratch',
        },
      ]);
    });

    it('go by the thresholds of the table itself', async () => {
      await scratch(
        2_000,
        'autovacuum_enabled = false, autovacuum_vacuum_scale_factor = 0.9, autovacuum_analyze_threshold = 5000',
      );
      await flush();
      await lab.run('VACUUM ANALYZE scratch');
      await lab.run('DELETE FROM scratch WHERE id <= 1000');
      await flush();

      const answer = await readUntil(
        'tables',
        (now) => rowsOf(now, 'table', 'scratch')[0]?.['nTupDel'] === 1_000,
      );
      expect(about(answer, 'scratch')).toEqual([]);
    });

    it('sum up partitions, and know that nobody analyses the whole', async () => {
      await lab.run('CREATE TABLE scratch_parent (id int) PARTITION BY RANGE (id)');
      await lab.run('CREATE TABLE scratch_low PARTITION OF scratch_parent FOR VALUES FROM (0) TO (1000)');
      await lab.run('CREATE TABLE scratch_high PARTITION OF scratch_parent FOR VALUES FROM (1000) TO (9999)');
      await lab.run('INSERT INTO scratch_parent SELECT n FROM generate_series(1, 1500) AS n');
      await flush();
      await lab.run('ANALYZE scratch_low');
      await lab.run('ANALYZE scratch_high');
      await flush();

      const answer = await readUntil(
        'tables',
        (now) => rowsOf(now, 'table', 'scratch_parent')[0]?.['nTupIns'] === 1_500,
      );
      expect(rowsOf(answer, 'table', 'scratch_parent')).toMatchObject([{ partitions: 2, nLiveTup: 1_500 }]);
      expect(rowsOf(answer, 'table', 'scratch_low')).toEqual([]);
      expect(about(answer, 'scratch_parent')).toMatchObject([
        {
          detail: expect.stringContaining('no statistics of the whole'),
          remedy: 'Run ANALYZE scratch_parent',
        },
      ]);

      await lab.run('ANALYZE scratch_parent');
      expect(about(await read('tables'), 'scratch_parent')).toEqual([]);
    });

    it('are answered while somebody keeps everyone else out of one', async () => {
      await scratch(10);
      const holder = await lab.session();
      await holder.query('BEGIN; LOCK TABLE scratch IN ACCESS EXCLUSIVE MODE');

      const answer = await read('tables');
      expect(rowsOf(answer, 'table', 'scratch')).toMatchObject([{ totalBytes: null }]);
      expect(answer.notes.join()).toContain('look at locks');
      await holder.query('ROLLBACK');
    });
  });

  describe('while somebody keeps everyone else out of a table, or waits to', () => {
    const REPORTS = ['indexes', 'indexes/unused', 'indexes/duplicate', 'indexes/invalid', 'indexes/missing'];

    it('reports on indexes leave it out and say so, and space shows it without a size', async () => {
      await scratch(10);
      await lab.run('CREATE INDEX scratch_word ON scratch (word) WHERE id > 5');
      const reader = await lab.session();
      await reader.query('BEGIN; SELECT id FROM scratch');
      const locker = await lab.session();
      const [{ pid }] = (await reader.query('SELECT pg_backend_pid() AS pid')).rows;
      const locked = locker.query('BEGIN; LOCK TABLE scratch IN ACCESS EXCLUSIVE MODE');
      await untilBlockedBy(lab.urls, pid);

      const expectAll = async () => {
        for (const name of [...REPORTS, 'indexes/advice', 'bloat', 'drift']) {
          const answer = await read(name);
          expect({ name, available: answer.available }).toEqual({ name, available: true });
          expect(answer.notes.join()).toContain(
            'keeps everyone else out of scratch: indexes there are left out',
          );
        }
        const indexes = await read('indexes');
        expect(rowsOf(indexes, 'index', 'scratch_word')).toEqual([]);
        expect(indexes.rows.length).toBeGreaterThan(100);
        const space = await read('space');
        expect(rowsOf(space, 'name', 'scratch')).toMatchObject([
          { bytes: null, rowsBytes: null, indexBytes: null },
        ]);
        expect(space.notes.join()).toContain('keeps everyone else out of scratch, whose size is not shown');
      };
      await expectAll();
      await reader.query('COMMIT');
      await locked;
      await expectAll();
      await locker.query('ROLLBACK');
      expect(rowsOf(await read('space'), 'name', 'scratch')).toMatchObject([{ bytes: expect.any(Number) }]);
      expect(rowsOf(await read('indexes'), 'index', 'scratch_word')).toHaveLength(1);
    });

    it('drift misses no declared index of it, and the other tables are compared', async () => {
      const holder = await lab.session();
      await holder.query('BEGIN; LOCK TABLE users, audit_logs IN ACCESS EXCLUSIVE MODE');

      const answer = await read('drift');
      expect(answer.findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
      expect(answer.summary?.['indexes']).toBe(
        source.catalogue.filter(({ table }) => table !== 'users' && table !== 'audit_logs').length,
      );
      await holder.query('ROLLBACK');
    });
  });

  describe('indexes', () => {
    it('count what is read of each, and say what it is there for', async () => {
      await scratch(2_000);
      await lab.run('CREATE UNIQUE INDEX scratch_id ON scratch (id) INCLUDE (word)');
      await lab.run('SET enable_seqscan = off');
      for (const id of [1, 2, 3]) await lab.run('SELECT ctid FROM scratch WHERE id = $1', [id]);
      await flush();

      const answer = await readUntil(
        'indexes',
        (now) => rowsOf(now, 'index', 'scratch_id')[0]?.['idxScan'] === 3,
      );
      // Known since PostgreSQL 16.
      const seen = source.serverVersion < 160_000 ? 'object' : 'string';
      expect(rowsOf(answer, 'index', 'scratch_id')).toMatchObject([
        {
          table: 'scratch',
          kind: 'btree, unique, covering',
          valid: true,
          idxTupRead: 3,
          idxTupFetch: 3,
          serves: null,
        },
      ]);
      expect(typeof rowsOf(answer, 'index', 'scratch_id')[0]?.['lastIdxScan']).toBe(seen);
      const [declared] = source.catalogue;
      expect(rowsOf(answer, 'index', declared?.name ?? '')).toMatchObject([{ serves: declared?.serves }]);
      // The parts on partitions are summed up.
      expect(answer.rows.filter(({ table }) => /_\d{4}_\d\d$/.test(table))).toEqual([]);
    });
  });

  describe('indexes/unused', () => {
    /** The same server when it has counted for a month, of whose replicas other tests have none. */
    const aMonthLater = (...replicas: string[]): ReportSource => ({
      ...source,
      query: async (text, values) => {
        const found = await source.query<Record<string, unknown>>(text, values);
        const rows = text.includes('pg_stat_replication')
          ? found.filter(({ name }) => replicas.includes(String(name)))
          : found;
        const older = (row: Record<string, unknown>) =>
          row['since'] instanceof Date
            ? { ...row, since: new Date(row['since'].getTime() - 30 * DAY_MS) }
            : row;
        return rows.map(older) as any[];
      },
    });

    beforeEach(async () => {
      await scratch(100_000);
      await lab.run('CREATE INDEX scratch_unread ON scratch (word)');
      await lab.run('CREATE UNIQUE INDEX scratch_unique ON scratch (id)');
    });

    it('judge nothing while statistics are young, and name each with the day from which on it is judged', async () => {
      await lab.run('CREATE INDEX scratch_small ON scratch (word) WHERE id < 10');
      const answer = await read('indexes/unused');

      expect(answer.findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
      for (const index of ['scratch_unread', 'scratch_small']) {
        const [row] = rowsOf(answer, 'index', index);
        expect(row).toMatchObject({ judgement: 'not judged yet', judgedFrom: expect.any(String) });
        expect(about(answer, index)).toMatchObject([
          {
            severity: 'info',
            detail: expect.stringContaining(`it is not judged before ${row?.['judgedFrom']}`),
          },
        ]);
      }
      expect(about(answer, 'scratch_unique')).toEqual([]);
      expect(answer.notes[0]).toContain('nothing is judged as unused before 7 days');
    });

    it('name one that nobody read for a month, and not one that keeps rows unique', async () => {
      const answer = await read('indexes/unused', aMonthLater());

      expect(about(answer, 'scratch_unread')).toMatchObject([
        { severity: 'warn', remedy: 'Run DROP INDEX CONCURRENTLY scratch_unread' },
      ]);
      expect(rowsOf(answer, 'index', 'scratch_unique')).toMatchObject([{ judgement: 'keeps rows unique' }]);
      expect(rowsOf(answer, 'index', 'users_pkey')[0]?.['judgement'] ?? 'was read').toMatch(
        /constraint|read/,
      );
      expect(answer.findings.filter(({ severity }) => severity === 'warn')).toMatchObject([
        { subject: 'scratch_unread' },
      ]);
    });

    it('do not name one that was read', async () => {
      await lab.run('SET enable_seqscan = off');
      await lab.run(`SELECT ctid FROM scratch WHERE word = 'word 1'`);
      await flush();
      await readUntil('indexes', (now) => rowsOf(now, 'index', 'scratch_unread')[0]?.['idxScan'] === 1);

      const answer = await read('indexes/unused', aMonthLater());
      expect(rowsOf(answer, 'index', 'scratch_unread')).toEqual([]);
    });

    it('count from the latest reset on', async () => {
      const before = await lab.run('SELECT clock_timestamp() AS now');
      await lab.run('SELECT pg_stat_reset()');

      const { notes } = await read('indexes/unused');
      const since = /since (\S+Z)/.exec(notes[0] ?? '')?.[1] ?? '';
      expect(new Date(since).getTime()).toBeGreaterThanOrEqual(before[0].now.getTime());
    });

    it('warn of replicas, which have statistics of their own', async () => {
      await lab.run(`SELECT pg_create_physical_replication_slot('slot_of_a_replica')`);
      try {
        const answer = await read('indexes/unused', aMonthLater('slot_of_a_replica'));

        expect(answer.notes.join()).toContain('slot_of_a_replica');
        expect(about(answer, 'scratch_unread')).toMatchObject([
          { severity: 'info', detail: expect.stringContaining('replica') },
        ]);
      } finally {
        await lab.run(`SELECT pg_drop_replication_slot('slot_of_a_replica')`);
      }
    });
  });

  describe('indexes/duplicate', () => {
    it('name the one that adds nothing, by form or as the beginning of another', async () => {
      await scratch(10);
      await lab.run('CREATE INDEX scratch_a ON scratch (id)');
      await lab.run('CREATE INDEX scratch_b ON scratch (id)');
      await lab.run('CREATE INDEX scratch_wide ON scratch (word, id)');
      await lab.run('CREATE INDEX scratch_narrow ON scratch (word)');
      await lab.run('CREATE INDEX scratch_pattern ON scratch (word text_pattern_ops)');
      await lab.run('CREATE INDEX scratch_partial ON scratch (word) WHERE id > 5');

      const answer = await read('indexes/duplicate');
      expect(answer.rows.map(({ index, kind, coveredBy }) => [index, kind, coveredBy]).sort()).toEqual([
        ['scratch_b', 'duplicate', 'scratch_a'],
        ['scratch_narrow', 'prefix', 'scratch_wide'],
      ]);
      expect(about(answer, 'scratch_b')).toMatchObject([
        { severity: 'warn', remedy: 'Run DROP INDEX CONCURRENTLY scratch_b' },
      ]);
      expect(about(answer, 'scratch_narrow')).toMatchObject([{ severity: 'info' }]);
    });
  });

  describe('indexes/invalid', () => {
    it('name what a failed build left behind', async () => {
      await scratch(10);
      await lab.run('INSERT INTO scratch VALUES (1)');
      await expect(lab.run('CREATE UNIQUE INDEX CONCURRENTLY scratch_twice ON scratch (id)')).rejects.toThrow(
        /could not create unique index/,
      );

      const answer = await read('indexes/invalid');
      expect(answer.rows).toMatchObject([{ index: 'scratch_twice', state: 'left behind', pid: null }]);
      expect(about(answer, 'scratch_twice')).toMatchObject([
        { severity: 'critical', remedy: expect.stringContaining('DROP INDEX CONCURRENTLY scratch_twice') },
      ]);
    });

    it('say who builds one now', async () => {
      await scratch(10);
      const snapshot = await lab.holdSnapshot();
      const builder = await lab.session();
      await builder.query(`SET application_name = 'a builder'`);
      const built = builder.query('CREATE INDEX CONCURRENTLY scratch_slow ON scratch (word)');
      const pid = await lab.untilPhase('waiting for', 'scratch_slow');

      const answer = await read('indexes/invalid');
      expect(answer.rows).toMatchObject([
        { index: 'scratch_slow', state: 'being built', pid, builder: 'gridtokenx_owner a builder' },
      ]);
      expect(answer.findings).toEqual([]);
      await snapshot.release();
      await built;
      expect((await read('indexes/invalid')).rows).toEqual([]);
    });

    it('tell of a partitioned table of which a partition lacks its part', async () => {
      await lab.run('CREATE TABLE scratch_parent (id int) PARTITION BY RANGE (id)');
      await lab.run('CREATE TABLE scratch_low PARTITION OF scratch_parent FOR VALUES FROM (0) TO (1000)');
      await lab.run('CREATE INDEX scratch_whole ON ONLY scratch_parent (id)');

      expect(about(await read('indexes/invalid'), 'scratch_whole')).toMatchObject([
        { detail: expect.stringContaining('a partition lacks its part') },
      ]);
    });
  });

  describe('indexes/missing', () => {
    it('name a foreign key that no index leads with', async () => {
      await lab.run('CREATE TABLE scratch_parent (a int, b int, PRIMARY KEY (a, b))');
      await lab.run(
        'CREATE TABLE scratch (id int, a int, b int, CONSTRAINT scratch_to_parent FOREIGN KEY (a, b) REFERENCES scratch_parent)',
      );
      await lab.run('CREATE INDEX scratch_other ON scratch (a, id, b)');
      await lab.run('CREATE INDEX scratch_part ON scratch (a, b) WHERE id > 5');
      const answer = await read('indexes/missing');
      expect(answer.rows).toMatchObject([
        { table: 'scratch', columns: ['a', 'b'], constraint: 'scratch_to_parent', nLiveTup: 0 },
      ]);
      expect(about(answer, 'scratch_to_parent')).toMatchObject([
        { remedy: expect.stringContaining('CREATE INDEX CONCURRENTLY ON scratch (a, b)') },
      ]);

      await lab.run('CREATE INDEX scratch_leads ON scratch (b, a, id) WHERE b IS NOT NULL');
      expect((await read('indexes/missing')).rows).toEqual([]);
    });

    it('name a large table that is read from beginning to end again and again', async () => {
      await scratch(20_000);
      for (let times = 0; times < 10; times++) await lab.run(`SELECT id FROM scratch WHERE word = 'word 7'`);
      await flush();

      const answer = await readUntil('indexes/missing', ({ rows }) => rows.length > 0);
      expect(answer.rows).toMatchObject([
        { table: 'scratch', reason: 'sequential scans', nLiveTup: 20_000, seqScan: 10, rowsOfEach: 20_000 },
      ]);
      expect(about(answer, 'scratch')).toMatchObject([
        { detail: expect.stringContaining('20 000 rows each') },
      ]);
      expect(about(await read('tables'), 'scratch').map(({ detail }) => detail)).toContainEqual(
        expect.stringContaining('from beginning to end'),
      );
    });
  });

  describe('bloat', () => {
    /** Nine of ten rows gone, their space not given back. */
    beforeEach(async () => {
      await lab.run('CREATE TABLE scratch (id int NOT NULL, word text) WITH (autovacuum_enabled = false)');
      await lab.run(`INSERT INTO scratch SELECT n, repeat('x', 100) FROM generate_series(1, 600000) AS n`);
      await lab.run('CREATE INDEX scratch_id ON scratch (id)');
      await lab.run('DELETE FROM scratch WHERE id % 10 <> 0');
      await flush(); // or the deletions are taken off what the vacuum counts
      await lab.run('VACUUM ANALYZE scratch');
    });

    const expectBloat = (answer: Answer, method: string) => {
      expect(rowsOf(answer, 'table', 'scratch').map(({ name, kind }) => [name, kind])).toEqual([
        ['scratch', 'table'],
        ['scratch_id', 'index'],
      ]);
      for (const row of rowsOf(answer, 'table', 'scratch')) {
        expect(row).toMatchObject({ method });
        expect(row['ratio']).toBeGreaterThan(0.85);
        expect(row['ratio']).toBeLessThan(0.95);
      }
      expect(about(answer, 'scratch')).toMatchObject([{ severity: 'warn' }]);
      expect(about(answer, 'scratch_id')).toMatchObject([
        { remedy: 'Run npm run db:indexes -- --reindex scratch_id' },
      ]);
    };

    it('is estimated from statistics, and says how to know exactly', async () => {
      const answer = await read('bloat');

      expectBloat(answer, 'estimate');
      expect(answer.notes.join()).toContain('CREATE EXTENSION pgstattuple');
    });

    it('is exact where pgstattuple is installed', async () => {
      await lab.run('CREATE SCHEMA elsewhere');
      await lab.run('CREATE EXTENSION pgstattuple SCHEMA elsewhere');

      expectBloat(await read('bloat'), 'exact');
    });

    it('is estimated from the rows that live, before anybody has analysed again', async () => {
      await lab.run('VACUUM FULL scratch');
      await lab.run('ANALYZE scratch');
      await lab.run('DELETE FROM scratch WHERE id % 20 <> 0');
      await flush();

      const answer = await readUntil('bloat', (now) => rowsOf(now, 'name', 'scratch')[0]?.['ratio'] > 0.1);
      expect(rowsOf(answer, 'name', 'scratch')[0]?.['ratio']).toBeCloseTo(0.5, 1);
    });

    it('is gone when the space was given back', async () => {
      await lab.run('VACUUM FULL scratch');

      const answer = await read('bloat');
      for (const { ratio } of rowsOf(answer, 'table', 'scratch')) expect(ratio).toBeLessThan(0.1);
      expect([...about(answer, 'scratch'), ...about(answer, 'scratch_id')]).toEqual([]);
    });
  });

  describe('connections', () => {
    /** The same server when it admits so few. */
    const admitting = (most: number): ReportSource => ({
      ...source,
      query: async (text, values) => {
        const rows = await source.query<Record<string, unknown>>(text, values);
        return rows.map((row) => ('reserved' in row ? { ...row, most, reserved: 0 } : row)) as any[];
      },
    });

    it('warn before nobody comes in any more', async () => {
      const used = 7; // of this suite: more are there already, or are made
      for (let made = 0; made < used; made++) await lab.session();
      const answer = await read('connections', admitting(8));
      expect(about(answer, 'max_connections')).toMatchObject([
        {
          detail: expect.stringMatching(/^\d+ of 8 connections are taken$/),
          remedy: expect.stringContaining('DB_POOL_MAX'),
        },
      ]);
      expect(answer.summary?.['used']).toBe(
        answer.rows.reduce((sum, { connections }) => sum + connections, 0),
      );
      expect(about(await read('connections', admitting(10_000)), 'max_connections')).toEqual([]);
    });

    it('count sessions whose state is hidden from this role, and say how to see them', async () => {
      await (await lab.session()).query(`SET application_name = 'seen by few'`);
      const blind = new ReportDatabase({ ownerUrl: lab.urls.applicationUrl });

      const answer = await read('connections', await sourceOf(blind));
      expect(rowsOf(answer, 'application', 'seen by few')).toMatchObject([
        { state: 'hidden', client: 'hidden', role: 'gridtokenx_owner', connections: 1, longestSeconds: null },
      ]);
      expect(answer.notes.join()).toContain('GRANT pg_monitor');
      await blind.onApplicationShutdown();
    });
  });

  describe('sessions', () => {
    const sessionOf = ({ rows }: Answer, pid: number) => rows.filter((row) => row['pid'] === pid);
    const pidOf = async (client: { query(text: string): Promise<{ rows: any[] }> }): Promise<number> =>
      (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;

    it('show what runs and what stands idle by its process, with how to end it and without values', async () => {
      const [worker, idler] = [await lab.session(), await lab.session()];
      const [working, idle] = [await pidOf(worker), await pidOf(idler)];
      await idler.query(`SELECT 'a secret of somebody' AS asked`);
      const work = worker
        .query(`SELECT pg_sleep(60), 'a secret of somebody' AS worked`)
        .catch(() => undefined);

      const answer = await readUntil('sessions', (now) => about(now, `session ${working}`).length > 0);
      expect(sessionOf(answer, working)).toMatchObject([
        {
          state: 'active',
          role: 'gridtokenx_owner',
          wait: 'Timeout: PgSleep',
          statement: 'SELECT pg_sleep(?), ? AS worked',
        },
      ]);
      expect(sessionOf(answer, working)[0]?.['stateMs']).toBeGreaterThanOrEqual(1_000);
      expect(about(answer, `session ${working}`)).toMatchObject([
        { severity: 'info', remedy: expect.stringContaining(`/backends/${working}/cancel`) },
      ]);
      expect(sessionOf(answer, idle)).toMatchObject([
        { state: 'idle', wait: null, transactionMs: null, statement: 'SELECT ? AS asked' },
      ]);
      expect(about(answer, `session ${idle}`)).toEqual([]);
      expect(JSON.stringify(answer)).not.toContain('a secret of somebody');

      await idler.query('BEGIN');
      const standing = await readUntil('sessions', (now) => about(now, `session ${idle}`).length > 0);
      expect(about(standing, `session ${idle}`)).toMatchObject([
        { remedy: expect.stringContaining(`/backends/${idle}/terminate`) },
      ]);
      await lab.run('SELECT pg_terminate_backend($1)', [working]);
      await work;
    });

    it('show those of other roles as hidden to who may not see them', async () => {
      const pid = await pidOf(await lab.session());
      const blind = new ReportDatabase({ ownerUrl: lab.urls.applicationUrl });

      const answer = await read('sessions', await sourceOf(blind));
      expect(sessionOf(answer, pid)).toMatchObject([{ state: 'hidden', stateMs: null, statement: null }]);
      expect(answer.notes.join()).toContain('GRANT pg_monitor');
      await blind.onApplicationShutdown();
    });
  });

  describe('cache-hit-ratio', () => {
    it('names a table whose rows come from outside again and again', async () => {
      // One row a page: what is larger than a quarter of the memory is not kept in it.
      await lab.run(
        'CREATE TABLE scratch (id int, word text) WITH (autovacuum_enabled = false, fillfactor = 10)',
      );
      await lab.run(
        `INSERT INTO scratch SELECT n, repeat('x', 1500)
           FROM generate_series(1, (SELECT setting::int / 4 + 1000 FROM pg_settings WHERE name = 'shared_buffers')) AS n`,
      );
      await lab.run('VACUUM FULL scratch'); // writes past the memory, in which the rows are by now
      await flush();
      await lab.run(`SELECT pg_stat_reset_single_table_counters('scratch'::regclass)`);
      for (let times = 0; times < 3; times++) await lab.run('SELECT count(*) FROM scratch');
      await flush();

      const answer = await readUntil('cache-hit-ratio', (now) => about(now, 'scratch').length > 0);
      expect(about(answer, 'scratch')).toMatchObject([
        {
          severity: 'info',
          detail: expect.stringMatching(/of the blocks of its rows were in memory, \d+ \d+ were read/),
        },
      ]);
      const [row] = rowsOf(answer, 'table', 'scratch');
      expect(row?.['ratio']).toBeCloseTo(row?.['hits'] / (row?.['hits'] + row?.['reads']));
    });

    it('is unknown where nothing was read yet, and never divides by zero', async () => {
      const bare = new ReportDatabase(await emptyDatabase());

      expect(await read('cache-hit-ratio', await sourceOf(bare))).toMatchObject({
        rows: [{ table: '(all tables)', ratio: null, tableRatio: null, indexRatio: null }],
        notes: expect.arrayContaining(['nothing read yet']),
        summary: { tables: null, indexes: null },
      });
      await bare.onApplicationShutdown();
    });

    it('tells it of each table and of the whole', async () => {
      await scratch(1_000);
      for (let times = 0; times < 5; times++) await lab.run('SELECT count(*) FROM scratch');
      await flush();

      const answer = await readUntil(
        'cache-hit-ratio',
        (now) => rowsOf(now, 'table', 'scratch')[0]?.['tableHits'] > 20,
      );
      const [whole, ...tables] = answer.rows;
      expect(whole?.['tableHits']).toBe(tables.reduce((sum, { tableHits }) => sum + tableHits, 0));
      const [row] = rowsOf(answer, 'table', 'scratch');
      expect(row?.['tableRatio']).toBeGreaterThan(0.5);
      expect(row).toMatchObject({ indexHits: 0, indexReads: 0, indexRatio: null });
    });
  });
});
