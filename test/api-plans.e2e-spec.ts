import type { TestApp } from './support/app';
import { ApiCalls, operationsOf } from './support/api-calls';
import { readsOf, thingsOf } from './support/api-reads';
import { writeEverything } from './support/api-writes';
import { keepStatements, tellPlans, type ExecutedStatement } from './support/executed-plans';
import {
  filledDatabase,
  LARGE,
  MADE_OF_OTHERS,
  startFilledApp,
  type KnownPeople,
} from './support/filled-app';
import { untilJobsAreDone } from './support/mailbox';
import { relationsOf, rowsRead, scannedTables, tableSizes, type Relations } from './support/plan-reading';
import { watchJobs, type WatchedJobs } from './support/watched-jobs';

/** The comparison of all that was metered, minted, booked and certified: reading everything is what it is for. */
const COMPARES_EVERYTHING = 'POST /api/reconciliations/energy/run';

/** What looks at more rows than a page shows, by index all the same: it sums up, or searches where much is found. */
const SUMS_OR_SEARCHES = new Map([
  ['GET /api/meters/stats', 'all readings of a user, kept until one is added'],
  ['GET /api/trading/markets', 'the trades of each market in the last day, kept for a minute'],
  ['GET /api/trading/markets/:market', 'the trades of a market in the last day, kept for a minute'],
  ['GET /api/trading/orderbook/:market', 'the orders behind each price'],
  ['GET /api/users', 'whoever has a word that begins so'],
  ['GET /api/offers', 'offers that have so much left, or are there at a time, kept for a minute'],
  ['GET /api/admin/audit', 'what somebody did of one kind: by one of the two'],
]);
/** A page of 50 may look at so many rows: of both sides, of all markets and statuses, and of the things they name. */
const ROWS_OF_A_PAGE = 700;
const [SHORT, LONG] = [2, 50];

/**
 * The whole API, on a database with more than 10 000 rows in its tables. PostgreSQL itself tells of every statement, by
 * auto_explain, which plan it really took and what it looked at: so the test sees prepared statements with the plans
 * that they share, statements inside functions and the checks of foreign keys, and cannot miss any.
 */
describe('the API on a database in which everything is large', () => {
  let app: TestApp;
  let people: KnownPeople;
  let api: ApiCalls;
  let kept: readonly ExecutedStatement[];
  let jobs: WatchedJobs;
  let relations: Relations;
  const grown: string[] = [];
  /** The fullest page of each list. */
  const longest = new Map<string, number>();

  beforeAll(async () => {
    const urls = await filledDatabase();
    relations = await relationsOf(urls);
    await tellPlans(urls);
    kept = keepStatements();
    jobs = watchJobs();
    ({ app, people } = await startFilledApp(urls));
    api = new ApiCalls(app);
    await readEverything();
    await writeEverything(app, api, people);
    await untilJobsAreDone(app);
    await jobs.runRecurring();
    await api.call(COMPARES_EVERYTHING, { as: people.auditor });
  });
  afterAll(() => app.close());

  const statementsOf = (requestId: string): number =>
    kept.filter((statement) => statement.requestId === requestId).length;

  /** Asks for a short page, for a long one, and for the one after each; says where the long one takes more statements. */
  async function readPages(operation: string, ask: { as: string | undefined; of?: string; query: string }) {
    const statements: number[] = [];
    for (const limit of [SHORT, LONG]) {
      const query = [ask.query, `limit=${limit}`].filter((part) => part !== '').join('&');
      const { body } = await api.call(operation, { ...ask, query });
      longest.set(operation, Math.max(longest.get(operation) ?? 0, (body.items as unknown[]).length));
      statements.push(statementsOf(api.made.at(-1)?.requestId ?? ''));
      const cursor = (body.nextCursor ?? undefined) as string | undefined;
      if (cursor !== undefined) await api.call(operation, { ...ask, query: `${query}&cursor=${cursor}` });
    }
    const [short = 0, long = 0] = statements;
    // A list by month looks into the last months alone at first: a page that they do not fill takes one statement more.
    if (long > short + 1)
      grown.push(`${operation}?${ask.query}: ${short} statements for ${SHORT}, ${long} for ${LONG}`);
  }

  async function readEverything(): Promise<void> {
    const filters = new Map(
      (await operationsOf(app)).map((operation) => [operation.name, operation.filters]),
    );
    for (const { route, as, of, queries = [''] } of readsOf(people, await thingsOf(app, people))) {
      const operation = `GET ${route}`;
      for (const query of queries) {
        const ask = { as: as && people[as].token, ...(of !== undefined && { of }), query };
        if (filters.get(operation)?.includes('cursor') === true) await readPages(operation, ask);
        else await api.call(operation, ask);
      }
    }
  }

  it('is one where every table is large', () => {
    const small = [...tableSizes(relations)].filter(([, rows]) => rows <= LARGE).map(([table]) => table);
    expect(small.filter((table) => !MADE_OF_OTHERS.includes(table))).toEqual([]);
  });

  it('is called by every route and filter that its documentation names', async () => {
    expect(api.missing(await operationsOf(app))).toEqual([]);
  });

  it('does every job', () => {
    expect(jobs.missing()).toEqual([]);
    expect(jobs.recurring.size).toBeGreaterThan(5);
  });

  it('goes through no large table row by row, whatever is asked or done', () => {
    const comparison = COMPARES_EVERYTHING;
    const scans = kept
      .filter(({ work }) => work !== comparison)
      .flatMap(({ work = 'the start', plans }) =>
        plans.flatMap(({ text, root }) =>
          scannedTables(root, relations, LARGE).map((table) => `${work} goes through ${table}: ${text}`),
        ),
      );
    expect([...new Set(scans)]).toEqual([]);
    expect(kept.length).toBeGreaterThan(1_000);
  });

  it('looks at few rows more than a page shows', () => {
    const wasteful = kept
      .filter(({ work = '' }) => work.startsWith('GET ') && !SUMS_OR_SEARCHES.has(work))
      .flatMap(({ work, plans }) =>
        plans
          .filter(({ root }) => rowsRead(root) > ROWS_OF_A_PAGE)
          .map(({ text, root }) => `${work} looks at ${rowsRead(root)} rows: ${text}`),
      );
    expect(wasteful).toEqual([]);
  });

  it('takes no more statements for a long page than for a short one, nor for many orders than for few', () => {
    expect(grown).toEqual([]);
    // A list of two rows would show nothing.
    expect([...longest].filter(([, items]) => items <= SHORT)).toEqual([]);
    const batches = api.made.filter(({ operation }) => operation === 'POST /api/trading/orders/batch');
    expect(batches).toHaveLength(2);
    const [few = 0, many] = batches.map(({ requestId }) => statementsOf(requestId));
    expect(many).toBeLessThanOrEqual(few);
  });
});
