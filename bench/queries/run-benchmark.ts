import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { migrate } from '../../src/database/schema/migrate';
import { fill } from '../filled-database/fill';
import type { ThrowAwayCluster } from '../throw-away-cluster';
import type { CacheTier } from './cache-tiers';
import type { HotQuery } from './hot-query';
import { measureQuery, type FilledDatabase } from './measure-query';
import type { QueryResult } from './targets';

export interface BenchmarkOptions {
  readonly queries: readonly HotQuery[];
  /** Rows of the main table of each, the smallest first. */
  readonly sizes: readonly number[];
  readonly tiers: readonly CacheTier[];
  /** How often the sides take turns; more of them, and figures are steadier. */
  readonly rounds?: number;
  /** What is being done, and how much of the whole is. */
  readonly onProgress?: (step: string, done: number, total: number) => void;
}

const ROUNDS = 5;
/** Filling takes that part of the time of a query, measuring the rest. */
const FILLING = 0.9;

/**
 * Measures queries at each size, each in databases that are filled for it alone and dropped after.
 * @throws ExplainedError when a size is too small to measure
 */
export async function runBenchmark(
  cluster: Pick<ThrowAwayCluster, 'ownerUrl' | 'applicationUrl'>,
  { queries, sizes, tiers, rounds = ROUNDS, onProgress = () => undefined }: BenchmarkOptions,
): Promise<QueryResult[]> {
  const databases = await Databases.at(cluster);
  try {
    const results: QueryResult[] = [];
    for (const query of queries) {
      const step = (what: string, share: number): void =>
        onProgress(`${query.title}: ${what}`, results.length + share, queries.length);
      const measured = await databases.using(sizes, async (filled) => {
        await fillAll(query, filled, (what, share) => step(what, FILLING * share));
        step('measuring', FILLING);
        return measureQuery(query, filled, tiers, rounds);
      });
      results.push({ query, sizes: measured });
    }
    return results;
  } finally {
    await databases.close();
  }
}

/** Fills them at the same time, since filling one of them keeps one core busy. */
async function fillAll(
  query: HotQuery,
  databases: readonly FilledDatabase[],
  onProgress: (what: string, share: number) => void,
): Promise<void> {
  // A table takes its time by its rows.
  const all = databases.reduce((sum, { rows }) => sum + rows, 0);
  const shares = new Map<FilledDatabase, number>();
  const fills = await Promise.allSettled(
    databases.map((database) =>
      fill(database.url, query.sizes(database.rows), (what, done, total) => {
        shares.set(database, ((done / total) * database.rows) / all);
        onProgress(
          `${database.rows} rows, ${what}`,
          [...shares.values()].reduce((sum, share) => sum + share, 0),
        );
      }),
    ),
  );
  const failure = fills.find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') throw failure.reason;
}

/** Copies of a migrated database. */
class Databases {
  private readonly template = `bench_${randomBytes(4).toString('hex')}`;

  private constructor(
    private readonly admin: Client,
    private readonly ownerUrl: string,
  ) {}

  static async at({
    ownerUrl,
    applicationUrl,
  }: Pick<ThrowAwayCluster, 'ownerUrl' | 'applicationUrl'>): Promise<Databases> {
    const admin = new Client({ connectionString: ownerUrl });
    await admin.connect();
    const databases = new Databases(admin, ownerUrl);
    await admin.query(`CREATE DATABASE ${databases.template} TEMPLATE template0`);
    await migrate(databases.url(databases.template), applicationUrl);
    return databases;
  }

  /** Lends a database for each size. */
  async using<Result>(
    sizes: readonly number[],
    work: (databases: readonly FilledDatabase[]) => Promise<Result>,
  ): Promise<Result> {
    const names = sizes.map((rows) => `${this.template}_${rows}`);
    try {
      for (const name of names) await this.admin.query(`CREATE DATABASE ${name} TEMPLATE ${this.template}`);
      return await work(sizes.map((rows, place) => ({ rows, url: this.url(names[place] ?? '') })));
    } finally {
      for (const name of names) await this.admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    }
  }

  async close(): Promise<void> {
    await this.admin.query(`DROP DATABASE ${this.template} WITH (FORCE)`);
    await this.admin.end();
  }

  private url(name: string): string {
    const url = new URL(this.ownerUrl);
    url.pathname = `/${name}`;
    return url.toString();
  }
}
