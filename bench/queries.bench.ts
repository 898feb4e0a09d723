import { cpus } from 'node:os';
import { Logger } from '@nestjs/common';
import { Command, InvalidArgumentError } from 'commander';
import { Client } from 'pg';
import { explain, ExplainedError } from '../src/database/explained-error';
import { openEvidenceBook, type EvidenceBook } from './evidence-book';
import { progressOn, type Progress } from './progress';
import { openCacheTiers, type CacheTiers } from './queries/cache-tiers';
import type { HotQuery } from './queries/hot-query';
import { HOT_QUERIES } from './queries/hot-queries';
import { runBenchmark } from './queries/run-benchmark';
import { missedTargets } from './queries/targets';
import { jsonOf, reportOf, type Circumstances, type Report } from './report';
import { startThrowAwayCluster, type ThrowAwayCluster } from './throw-away-cluster';

interface Options {
  readonly sizes: readonly number[];
  readonly only: readonly HotQuery[];
  readonly json: boolean;
  readonly record: boolean;
}

const NAMES = HOT_QUERIES.map(({ name }) => name);

const DESCRIPTION = [
  'Measures the five queries that the market lives by, each without its indexes, with them, and from the cache.',
  'Fills a throw-away PostgreSQL with a market as it is after a year and asks thousands of different questions by ' +
    "the application's own statements. All of it takes about 20 minutes and 8 GB of disk.",
].join('\n\n');

const HELP = `
With the indexes each must be 50 times faster at 1 000 000 rows and 300 times at 5 000 000, a look-up
may take 1.5 times as long as SELECT 1, a list twice as long as the same rows from a table of their
own, and 5 000 000 rows less than 1.5 times as long as 100 000. Compare ratios, not times: both sides
of each are measured in turns.

Answers from Redis are measured when REDIS_URL is set or redis-server is on PATH.

Exit code: 0 when all of it holds, 1 when not, with a sentence for each that does not.

Examples:
  npm run bench:queries
  npm run bench:queries -- --sizes 100000 --only log-in,history
  npm run bench:queries -- --json
  npm run bench:queries -- --record`;

const command = new Command('npm run bench:queries --')
  .description(DESCRIPTION)
  .option('--sizes <n,…>', 'rows of the table that a query is about', sizes, [100_000, 1_000_000, 5_000_000])
  .option('--only <query,…>', `these of ${NAMES.join(', ')}`, queries, HOT_QUERIES)
  .option('--json', 'print the result as one line of JSON', false)
  .option('--record', 'record the result in the database of this environment, for npm run doctor', false)
  .addHelpText('after', HELP)
  .showHelpAfterError('Try: npm run bench:queries -- --help')
  .action(run);

command.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});

async function run(options: Options): Promise<void> {
  const say = (sentence: string): void => void process.stderr.write(`${sentence}\n`);
  const progress = progressOn(process.stderr);
  Logger.overrideLogger(false); // the application's log would stand in the middle of the result
  const book = await openEvidenceBook(isWholeRecorded(options), say);
  try {
    await runAll(options, book, say, progress);
  } finally {
    await book.close();
  }
}

async function runAll(
  options: Options,
  book: EvidenceBook,
  say: (sentence: string) => void,
  progress: Progress,
): Promise<void> {
  const tiers = await openCacheTiers(say);
  try {
    const report = await onThrowAwayCluster(say, (cluster) => measure(cluster, options, tiers, progress));
    progress.end();
    print(report, options.json);
    const { missed } = report;
    await book.record({ kind: 'benchmark', source: 'bench:queries', missed, figures: jsonOf(report) });
  } finally {
    progress.end();
    await tiers.close();
  }
}

/** A part by itself is no evidence of the whole. */
function isWholeRecorded({ record, only }: Options): boolean {
  if (record && only.length < HOT_QUERIES.length)
    throw new ExplainedError('--record takes the whole benchmark: leave --only out');
  return record;
}

async function onThrowAwayCluster<Result>(
  say: (sentence: string) => void,
  work: (cluster: ThrowAwayCluster) => Promise<Result>,
): Promise<Result> {
  const cluster = await startThrowAwayCluster(18, say);
  try {
    return await work(cluster);
  } finally {
    await cluster.remove();
  }
}

async function measure(
  cluster: ThrowAwayCluster,
  options: Options,
  { tiers }: CacheTiers,
  progress: Progress,
): Promise<Report> {
  const results = await runBenchmark(cluster, {
    queries: options.only,
    sizes: options.sizes,
    tiers,
    onProgress: (what, done, total) => progress.show(what, done, total),
  });
  const circumstances = await circumstancesOf(cluster.ownerUrl);
  return { circumstances, results, missed: missedTargets(results) };
}

function print(report: Report, json: boolean): void {
  process.stdout.write(`${json ? JSON.stringify(jsonOf(report)) : reportOf(report)}\n`);
  for (const sentence of report.missed) process.stderr.write(`${sentence}\n`);
  if (report.missed.length > 0) process.exitCode = 1;
}

async function circumstancesOf(databaseUrl: string): Promise<Circumstances> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ version: string }>(
      `SELECT 'PostgreSQL ' || current_setting('server_version') AS version`,
    );
    return {
      measuredAt: new Date().toISOString(),
      postgres: rows[0]?.version ?? '',
      node: process.versions.node,
      cores: cpus().length,
    };
  } finally {
    await client.end();
  }
}

function sizes(text: string): number[] {
  const parts = text.split(',');
  if (!parts.every((part) => /^[1-9]\d{0,8}$/.test(part)))
    throw new InvalidArgumentError('It must be numbers of rows, such as 100000,1000000.');
  return [...new Set(parts.map(Number))].sort((a, b) => a - b);
}

function queries(text: string): HotQuery[] {
  const wanted = text.split(',');
  const unknown = wanted.find((name) => !NAMES.includes(name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`There is no query ${unknown}: name some of ${NAMES.join(', ')}.`);
  return HOT_QUERIES.filter(({ name }) => wanted.includes(name));
}
