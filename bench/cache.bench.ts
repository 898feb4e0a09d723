import { Logger } from '@nestjs/common';
import { Command, InvalidArgumentError } from 'commander';
import { explain, ExplainedError } from '../src/database/explained-error';
import { measureFirstTier } from './cache/first-tier';
import { measureHttp } from './cache/http';
import { measureOneLoad } from './cache/one-load';
import { measureRedisAway } from './cache/redis-away';
import { measureSecondTier } from './cache/second-tier';
import { measureWrites } from './cache/writes';
import { openEvidenceBook } from './evidence-book';
import type { Finding } from './finding';
import { figuresOfRun, showFigures, showMissed } from './findings-report';
import { progressOn } from './progress';
import { startThrowAwayRedis } from './throw-away-redis';

type Measure = (redisUrl: string, rounds: number) => Promise<Finding>;

const MEASURES: Readonly<Record<string, Measure>> = {
  memory: (_redisUrl, rounds) => measureFirstTier(rounds),
  redis: measureSecondTier,
  writes: measureWrites,
  'one-load': measureOneLoad,
  'redis-away': () => measureRedisAway(),
  http: (_redisUrl, rounds) => measureHttp(rounds),
};
const NAMES = Object.keys(MEASURES);
const ROUNDS = 15;

interface Options {
  readonly only: readonly string[];
  readonly json: boolean;
  readonly record: boolean;
}

const DESCRIPTION = [
  'Measures the cache beside bentocache, cache-manager, the bare Redis client and Fastify alone.',
  'Everything is asked for the same list of 7 kB, in one process and one run, and the sides take turns: compare ' +
    'ratios, not figures. It takes about four minutes.',
].join('\n\n');

const HELP = `
It works in the Redis of REDIS_URL, else in one of its own, for which redis-server must be on PATH.

Exit code: 0 when every promise is kept, 1 when not, with a sentence for each that is not.

Examples:
  npm run bench:cache
  npm run bench:cache -- --only memory,redis
  npm run bench:cache -- --json
  npm run bench:cache -- --record`;

const command = new Command('npm run bench:cache --')
  .description(DESCRIPTION)
  .option('--only <part,…>', `these of ${NAMES.join(', ')}`, parts, NAMES)
  .option('--json', 'print the result as one line of JSON', false)
  .option('--record', 'record the result in the database of this environment, for npm run doctor', false)
  .addHelpText('after', HELP)
  .showHelpAfterError('Try: npm run bench:cache -- --help')
  .action(run);

command.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});

async function run({ only, json, record }: Options): Promise<void> {
  Logger.overrideLogger(false); // the application's log would stand in the middle of the result
  if (record && only.length < NAMES.length)
    throw new ExplainedError('--record takes the whole benchmark: leave --only out');
  const book = await openEvidenceBook(record, (sentence) => void process.stderr.write(`${sentence}\n`));
  try {
    const figures = figuresOfRun(await inRedis((redisUrl) => measure(only, redisUrl)));
    const { missed } = figures;
    showFigures(figures, json);
    await book.record({ kind: 'benchmark', source: 'bench:cache', missed, figures });
    showMissed(missed);
  } finally {
    await book.close();
  }
}

async function measure(only: readonly string[], redisUrl: string): Promise<Finding[]> {
  const progress = progressOn(process.stderr);
  const findings: Finding[] = [];
  try {
    for (const name of only) {
      progress.show(`measuring ${name}`, findings.length, only.length);
      findings.push(await (MEASURES[name] as Measure)(redisUrl, ROUNDS));
    }
    progress.show('measured', only.length, only.length);
    return findings;
  } finally {
    progress.end();
  }
}

async function inRedis<Result>(work: (redisUrl: string) => Promise<Result>): Promise<Result> {
  const given = process.env['REDIS_URL'] || undefined;
  const own = given === undefined ? await startThrowAwayRedis() : undefined;
  const url = given ?? own?.url;
  if (url === undefined)
    throw new ExplainedError(
      'redis-server is not on PATH: install it (Debian: apt-get install redis-server), or set REDIS_URL',
    );
  try {
    return await work(url);
  } finally {
    await own?.remove();
  }
}

function parts(text: string): string[] {
  const wanted = text.split(',');
  const unknown = wanted.find((name) => !NAMES.includes(name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`There is no part ${unknown}: name some of ${NAMES.join(', ')}.`);
  return NAMES.filter((name) => wanted.includes(name));
}
