import { Client } from 'pg';
import { Gauge, Registry } from 'prom-client';
import type { DatabaseUrls } from '../src/database/database.module';
import { ScrapeFigures, setKnown } from '../src/monitoring/metrics/scrape-figures';
import { SERVER_FIGURES, type ServerFigures } from '../src/monitoring/metrics/server-figures';
import { ReportDatabase } from '../src/monitoring/reports/report-database';
import { asOwner, migratedDatabase } from './support/database';
import { eventually, until } from './support/eventually';
import { SeverableLine } from './support/severable-line';

/** Below the ten seconds after which Prometheus gives up. */
const SCRAPE_MS = 9_000;
const RESTLESS_MS = 20;
/** After so long a silence figures that are read so often are too old for a scrape. */
const LONG_SILENCE_MS = 1_100;

class CountingDatabase extends ReportDatabase {
  statements = 0;
  askedAt = -Infinity;
  private held = Promise.resolve();

  override async query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]> {
    this.statements++;
    this.askedAt = performance.now();
    await this.held;
    return super.query<Row>(text, values);
  }

  /** Statements from now on wait until what it gives is called. */
  hold(): () => void {
    let release = (): void => undefined;
    this.held = new Promise((resolve) => (release = resolve));
    return release;
  }
}

/** Reads again almost at once. */
class RestlessFigures extends ScrapeFigures {
  protected override readonly readEveryMs: number = RESTLESS_MS;
}

/** And soon takes it that nobody scrapes any more. */
class ForgetfulFigures extends RestlessFigures {
  protected override readonly scrapedLatelyMs = 100;
}

describe('figures for scrapes', () => {
  let urls: DatabaseUrls;
  let database: CountingDatabase;
  let registry: Registry;
  let figures: ScrapeFigures;

  beforeAll(async () => {
    urls = await migratedDatabase();
  });
  beforeEach(() => begin(urls));
  afterEach(() => end());

  function begin(at: DatabaseUrls, Reader: typeof ScrapeFigures = ScrapeFigures): void {
    database = new CountingDatabase(at);
    registry = new Registry();
    figures = new Reader(database, gaugeNamed('read_at', ['figures']));
  }

  function end(): Promise<void> {
    figures.onApplicationShutdown();
    return database.onApplicationShutdown();
  }

  const gaugeNamed = (name: string, labelNames: string[] = []): Gauge =>
    new Gauge({ name, help: name, labelNames, registers: [registry] });

  /** Adds a gauge that shows what the statement says. */
  function shows(name: string, sql: string, readsTables = false): void {
    const gauge = gaugeNamed(name);
    gauge.remove();
    figures.add<{ figure: number | null }>({
      name,
      sql,
      readsTables,
      gauges: [gauge],
      show: ({ figure }) => setKnown(gauge, figure),
    });
  }

  const lines = async (): Promise<string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  /** The same once the first reading has come to its end: a scrape waits a second for it, and no longer. */
  const linesOnceRead = (): Promise<string[]> =>
    eventually(lines, (told) => told.some((line) => /^read_at\{.*\} 1\d{9}/.test(line)));

  const isRead = (name: string): unknown => expect.stringMatching(`^read_at{figures="${name}"} 1\\d{9}`);
  const readAt = async (name: string): Promise<number> =>
    Number((await lines()).find((line) => line.startsWith(`read_at{figures="${name}"}`))?.split(' ')[1]);

  const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  /** A reading that began after now has come to its end. */
  async function untilReadAgain(): Promise<void> {
    const before = database.statements;
    await until(() => database.statements >= before + 2);
  }

  const tell = (figure: number): Promise<unknown> =>
    asOwner(
      urls,
      `CREATE TABLE IF NOT EXISTS told (id int PRIMARY KEY DEFAULT 1, figure int);
       INSERT INTO told (figure) VALUES (${figure}) ON CONFLICT (id) DO UPDATE SET figure = excluded.figure`,
    );

  it('are those of everybody by one statement in a quarter of a minute', async () => {
    shows('one', 'SELECT 1 AS figure');
    shows('two', 'SELECT count(*) AS figure FROM (VALUES (1), (2)) AS two');
    for (let scrapes = 0; scrapes < 20; scrapes++) await lines();
    expect(await linesOnceRead()).toEqual([isRead('one'), isRead('two'), 'one 1', 'two 2']);
    expect(database.statements).toBe(1);
  });

  it('are read again without a scrape, so that the next one shows what is true', async () => {
    await end();
    begin(urls, RestlessFigures);
    await tell(1);
    shows('told', 'SELECT figure FROM told', true);
    expect(await linesOnceRead()).toContain('told 1');
    await tell(2);
    await untilReadAgain();
    expect(await lines()).toContain('told 2');
  });

  it('are asked for no sooner, however many scrape', async () => {
    await end();
    begin(urls, RestlessFigures);
    shows('one', 'SELECT 1 AS figure');
    const startedAt = performance.now();
    await until(async () => (await lines()).length > 0 && database.statements >= 10);
    const passed = (performance.now() - startedAt) / RESTLESS_MS;
    expect(database.statements).toBeLessThanOrEqual(passed + 1);
  });

  it('keep no scrape waiting while they are read again', async () => {
    await end();
    begin(urls, RestlessFigures);
    shows('one', 'SELECT 1 AS figure');
    await lines();
    const isAnsweredMeanwhile = async (): Promise<boolean> => {
      const release = database.hold();
      const before = database.statements;
      await until(() => database.statements > before);
      const isAnswered = await Promise.race([lines().then(() => true), nextTurn().then(() => false)]);
      release();
      return isAnswered;
    };
    // One that comes late on a busy machine may wait, but not one after the other.
    expect(await eventually(isAnsweredMeanwhile, Boolean)).toBe(true);
  });

  it('are read for nobody when nobody scrapes any more, and are true at the next scrape', async () => {
    await end();
    begin(urls, ForgetfulFigures);
    let figure = 1;
    await tell(figure);
    shows('told', 'SELECT figure FROM told', true);
    expect(await linesOnceRead()).toContain(`told ${figure}`);
    const isTrueAfterSilence = async (): Promise<boolean> => {
      await until(() => performance.now() - database.askedAt > LONG_SILENCE_MS);
      await tell(++figure);
      const before = database.statements;
      const told = await lines();
      expect(database.statements).toBeGreaterThan(before);
      return told.includes(`told ${figure}`);
    };
    // On a busy machine the reading may take longer than a scrape waits, but not one after the other.
    expect(await eventually(isTrueAfterSilence, Boolean)).toBe(true);
    await until(() => performance.now() - database.askedAt > LONG_SILENCE_MS);
  });

  it('are read by nobody who was never scraped, or whose process ends', async () => {
    await end();
    begin(urls, RestlessFigures);
    shows('one', 'SELECT 1 AS figure');
    expect(database.statements).toBe(0);
    await linesOnceRead();
    figures.onApplicationShutdown();
    await until(() => performance.now() - database.askedAt > LONG_SILENCE_MS);
    const before = database.statements;
    expect(await lines()).toContain('one 1');
    expect(database.statements).toBe(before);
  });

  it('are left out as long as they are not known, instead of shown as zero', async () => {
    shows('unknown', 'SELECT NULL::int AS figure');
    shows('known', 'SELECT 0 AS figure');
    expect(await linesOnceRead()).toEqual([isRead('unknown'), isRead('known'), 'known 0']);
  });

  it('are told without the tables while somebody keeps one locked, and with them afterwards', async () => {
    await end();
    begin(urls, RestlessFigures);
    shows('server', 'SELECT 1 AS figure');
    shows('markets', 'SELECT count(*) AS figure FROM markets', true);
    await until(async () => (await readAt('markets')) > 0);
    const locker = new Client({ connectionString: urls.ownerUrl });
    await locker.connect();
    try {
      await locker.query('BEGIN');
      await locker.query('LOCK TABLE markets');
      const lockedAt = Date.now() / 1000;
      await until(async () => (await readAt('server')) > lockedAt + 1);
      expect(await readAt('markets')).toBeLessThan(lockedAt + 1);
    } finally {
      await locker.end();
    }
    const freeAt = Date.now() / 1000;
    await until(async () => (await readAt('markets')) > freeAt);
  });

  it('that cannot be shown leave the others as they are', async () => {
    figures.add({
      name: 'broken',
      sql: 'SELECT 1',
      readsTables: false,
      gauges: [gaugeNamed('broken')],
      show: () => {
        throw new Error('this is no figure');
      },
    });
    shows('sound', 'SELECT 1 AS figure');
    await until(async () => (await readAt('sound')) > 0);
    expect(await readAt('broken')).toBe(0);
  });

  it('keep nobody waiting for a PostgreSQL that says nothing', async () => {
    const direct = new URL(urls.ownerUrl);
    const line = await SeverableLine.to(Number(direct.port));
    await end();
    begin({ ...urls, ownerUrl: line.urlOf(urls.ownerUrl) });
    await database.query('SELECT 1');
    try {
      line.silence();
      shows('one', 'SELECT 1 AS figure');
      const late = new Promise((resolve) => setTimeout(resolve, SCRAPE_MS, 'late').unref());
      // The first one waits for the reading, and nobody else does for the same.
      for (let scrapes = 0; scrapes < 20; scrapes++)
        expect(await Promise.race([lines(), late])).toEqual(['read_at{figures="one"} 0']);
      expect(database.statements).toBe(2); // with the one that made the connection
    } finally {
      await line.stop();
    }
  });

  it('stay as they were while PostgreSQL is away, and are told again when it is back', async () => {
    const line = await SeverableLine.to(Number(new URL(urls.ownerUrl).port));
    await end();
    begin({ ...urls, ownerUrl: line.urlOf(urls.ownerUrl) }, RestlessFigures);
    shows('one', 'SELECT 1 AS figure');
    try {
      expect(await linesOnceRead()).toEqual([isRead('one'), 'one 1']);
      line.cut();
      await untilReadAgain();
      const last = await readAt('one');
      await untilReadAgain();
      expect(await lines()).toEqual([isRead('one'), 'one 1']);
      expect(await readAt('one')).toBe(last);
      line.mend();
      await until(async () => (await readAt('one')) > last);
    } finally {
      await line.stop();
    }
  });

  it('of the server name what is hidden from a role that may not see the sessions of others', async () => {
    const lesser = await lesserOwner();
    await end();
    begin({ ...urls, ownerUrl: lesser });
    const stranger = new Client({ connectionString: urls.ownerUrl });
    await stranger.connect();
    try {
      await stranger.query('BEGIN');
      const [seen] = await database.query<ServerFigures>(SERVER_FIGURES);
      expect(seen?.idleInTransactionSeconds).toBeNull();
      expect(seen?.connections['hidden']).toBeGreaterThan(0);
      expect(seen?.connections['active']).toBeGreaterThan(0); // itself
    } finally {
      await stranger.end();
    }
  });

  it('of the server see the sequence that is nearest to its end by the column that it fills', async () => {
    await asOwner(
      urls,
      'CREATE SEQUENCE narrow; CREATE TABLE narrow_rows (id integer DEFAULT nextval($$narrow$$))',
    );
    await asOwner(urls, 'CREATE SEQUENCE round MAXVALUE 10 CYCLE');
    await asOwner(urls, `SELECT setval('narrow', 2040109465), setval('round', 10)`);
    await jobsTable();
    const [seen] = await database.query<ServerFigures>(SERVER_FIGURES);
    expect(seen?.sequenceShare).toBeCloseTo(0.95, 2);
  });

  /** Whoever serves has made it; nobody serves here. */
  const jobsTable = (): Promise<unknown> =>
    asOwner(urls, 'CREATE SCHEMA IF NOT EXISTS pgboss; CREATE TABLE IF NOT EXISTS pgboss.job (state text)');

  async function lesserOwner(): Promise<string> {
    const name = `lesser_${new URL(urls.ownerUrl).pathname.slice(1)}`;
    await jobsTable();
    await asOwner(urls, `CREATE ROLE ${name} LOGIN PASSWORD 'lesser'`);
    await asOwner(urls, `GRANT USAGE ON SCHEMA pgboss TO ${name}; GRANT SELECT ON pgboss.job TO ${name}`);
    const url = new URL(urls.ownerUrl);
    url.username = name;
    url.password = 'lesser';
    return url.toString();
  }
});
