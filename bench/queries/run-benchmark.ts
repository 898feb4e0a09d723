import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { CacheStore } from '../../src/cache/cache-store';
import { migrate } from '../../src/database/schema/migrate';
import { fill } from '../filled-database/fill';
import type { ThrowAwayCluster } from '../throw-away-cluster';
import type { HotQuery } from './hot-query';
import { measureQuery, type Measured } from './measure-query';
import type { QueryResult } from './targets';

export interface BenchmarkOptions {
  readonly queries: readonly HotQuery[];
  /** Rows of the main table of each, the smallest first. */
  readonly sizes: readonly number[];
  readonly stores: readonly CacheStore[];
  /** What is being done, and how much of the whole is. */
  readonly onProgress?: (step: string, done: number, total: number) => void;
}

/** Filling takes that part of the time of one size, measuring the rest. */
const FILLING = 0.8;

/**
 * Measures queries at each size, each in a database that is filled for it alone and dropped after.
 * @throws ExplainedError when a size is too small to measure
 */
export async function runBenchmark(
  cluster: Pick<ThrowAwayCluster, 'ownerUrl' | 'applicationUrl'>,
  { queries, sizes, stores, onProgress = () => undefined }: BenchmarkOptions,
): Promise<QueryResult[]> {
  const databases = await Databases.at(cluster);
  // A size takes its time by its rows.
  const total = queries.length * sizes.reduce((sum, size) => sum + size, 0);
  let done = 0;
  try {
    const results: QueryResult[] = [];
    for (const query of queries) {
      const measured: Measured[] = [];
      for (const size of sizes) {
        const step = (what: string, share: number): void =>
          onProgress(`${query.title}, ${size} rows: ${what}`, done + share * size, total);
        measured.push(
          await databases.using(async (url) => {
            await fill(url, query.sizes(size), (what, filled, all) => step(what, (FILLING * filled) / all));
            step('measuring', FILLING);
            return measureQuery(query, size, url, stores);
          }),
        );
        done += size;
      }
      results.push({ query, sizes: measured });
    }
    return results;
  } finally {
    await databases.close();
  }
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

  async using<Result>(work: (ownerUrl: string) => Promise<Result>): Promise<Result> {
    const name = `${this.template}_filled`;
    await this.admin.query(`CREATE DATABASE ${name} TEMPLATE ${this.template}`);
    try {
      return await work(this.url(name));
    } finally {
      await this.admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
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
