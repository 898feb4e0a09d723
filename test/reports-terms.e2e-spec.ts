import { ReportDatabase } from '../src/monitoring/reports/report-database';
import { readReport, sourceOf } from '../src/monitoring/reports/report-reader';
import { reportNamed } from '../src/monitoring/reports/reports';
import { migratedDatabase } from './support/database';
import { eventually } from './support/eventually';
import { IndexLab } from './support/index-lab';

type Row = Record<string, any>;

describe('fields of reports are called as the columns of PostgreSQL', () => {
  let lab: IndexLab;
  let database: ReportDatabase;

  beforeAll(async () => {
    lab = new IndexLab(await migratedDatabase());
    database = new ReportDatabase(lab.urls);
    await lab.run('CREATE TABLE scratch_parent (id int PRIMARY KEY)');
    await lab.run(
      `CREATE TABLE scratch (id int, word text, parent int REFERENCES scratch_parent)
         WITH (autovacuum_enabled = false)`,
    );
    await lab.run(`INSERT INTO scratch SELECT n, 'word ' || n FROM generate_series(1, 200) AS n`);
    await lab.run('CREATE INDEX scratch_id ON scratch (id)');
    await lab.run('CREATE INDEX scratch_twice ON scratch (id)');
    await flush();
    await lab.run('VACUUM ANALYZE scratch');
    await lab.run('SELECT word FROM scratch');
    await lab.run('SET enable_seqscan = off; SET enable_bitmapscan = off');
    await lab.run('SELECT word FROM scratch WHERE id = 7');
    await lab.run('UPDATE scratch SET word = upper(word) WHERE id < 4');
    await lab.run('DELETE FROM scratch WHERE id = 8');
    await flush();
    await eventually(
      () => seenBy('SELECT n_tup_del FROM pg_stat_user_tables WHERE relname = $1', 'scratch'),
      ({ nTupDel }) => nTupDel === 1,
    );
  });
  afterAll(async () => {
    await lab.tidy();
    await database.onApplicationShutdown();
  });

  const flush = () => lab.run('SELECT pg_stat_force_next_flush()');

  /** What a view of PostgreSQL says of one object: its columns in camelCase, times and counters as answers write them. */
  async function seenBy(statement: string, name: string): Promise<Row> {
    const [row = {}] = await database.query<Row>(statement, [name]);
    return Object.fromEntries(
      Object.entries(row).map(([column, figure]) => [
        column.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
        figure instanceof Date ? figure.toISOString() : figure === null ? null : Number(figure),
      ]),
    );
  }

  async function rowsOf(name: string, about: Row): Promise<readonly Row[]> {
    const report = reportNamed(name);
    if (report === undefined) throw new Error(`There is no report ${name}`);
    const { rows } = await readReport(report, await sourceOf(database), {});
    const [[key, value] = ['', '']] = Object.entries(about);
    return (rows as readonly Row[]).filter((row) => row[key] === value);
  }

  it('of tables', async () => {
    const seen = await seenBy(
      `SELECT seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del, n_live_tup,
              n_dead_tup, last_vacuum, last_autovacuum, last_analyze, last_autoanalyze
         FROM pg_stat_user_tables WHERE relname = $1`,
      'scratch',
    );
    expect(seen).toMatchObject({ nTupUpd: 3, nTupDel: 1, lastVacuum: expect.any(String) });
    expect(await rowsOf('tables', { table: 'scratch' })).toMatchObject([seen]);
  });

  it('of tables that a vacuum is due to', async () => {
    const seen = await seenBy(
      `SELECT n_dead_tup, n_ins_since_vacuum, n_mod_since_analyze, last_vacuum, last_autovacuum, last_analyze,
              last_autoanalyze
         FROM pg_stat_user_tables WHERE relname = $1`,
      'scratch',
    );
    expect(seen).toMatchObject({ nModSinceAnalyze: 4, lastAutovacuum: null });
    expect(await rowsOf('vacuum', { table: 'scratch' })).toMatchObject([seen]);
  });

  it('of indexes', async () => {
    const figures = 'SELECT idx_scan, idx_tup_read, idx_tup_fetch FROM pg_stat_user_indexes';
    for (const index of ['scratch_id', 'scratch_twice']) {
      const seen = await seenBy(`${figures} WHERE indexrelname = $1`, index);
      expect(await rowsOf('indexes', { index })).toMatchObject([seen]);
    }
    const { idxScan } = await seenBy(`${figures} WHERE indexrelname = $1`, 'scratch_twice');
    expect(await rowsOf('indexes/duplicate', { index: 'scratch_twice' })).toMatchObject([{ idxScan }]);
  });

  it('of tables that lack an index', async () => {
    const figures = 'SELECT seq_scan, n_live_tup FROM pg_stat_user_tables WHERE relname = $1';
    const seen = await seenBy(figures, 'scratch');
    expect(seen).toMatchObject({ seqScan: expect.any(Number), nLiveTup: 199 });
    expect(await rowsOf('indexes/missing', { table: 'scratch' })).toMatchObject([seen]);
  });
});
