import { Pool, type PoolConfig } from 'pg';
import { environmentSchema } from '../../src/config/environment';
import { applicationDataSource } from '../../src/database/data-source-options';
import { ExplainedError } from '../../src/database/explained-error';
import { runPooled } from '../../src/database/prepared';
import { QueryEvents } from '../../src/database/query-events';
import type { Statement } from '../../src/database/statement';
import { dropIndexes } from '../filled-database/indexes';
import { interleave, measureFor, Samples, type Figures, type Interleaving, type Side } from '../measure';
import { bareAnswer } from './bare-answer';
import type { CacheTier } from './cache-tiers';
import { cachedAnswers } from './cached-answers';
import type { Ask, HotQuery, Question } from './hot-query';

/** Figures of one query at one size, all of one run. */
export interface Measured {
  readonly rows: number;
  /** Questions with different values that were asked in turn. */
  readonly questions: number;
  readonly answerRows: number;
  /** `SELECT 1`: no answer of the database comes sooner. */
  readonly roundTrip: Figures;
  /** The same answer from a table that holds nothing else. */
  readonly bare: Figures;
  /** Without the table's indexes, but for those of its keys. */
  readonly before: Figures;
  /** With all its indexes. */
  readonly after: Figures;
  /** From the cache in this process, and from Redis where there is one. */
  readonly cached: Readonly<Partial<Record<CacheTier['tier'], Figures>>>;
}

type SideName = 'roundTrip' | 'bare' | 'before' | 'after' | CacheTier['tier'];

const QUESTIONS = 500;
const LEAST_QUESTIONS = 5;
/** What a round measures; a look-up is so short that it takes more of them. */
const FAST: Readonly<Record<HotQuery['kind'], Interleaving>> = {
  'look-up': { rounds: 40, calls: 25, warmUp: 3 },
  list: { rounds: 8, calls: 25, warmUp: 3 },
};
const SLOW = { milliseconds: 1_200, atLeast: 2, atMost: 200 };
const ROUND_TRIP: Statement = { text: 'SELECT 1', values: [] };

/** A database that is filled for a query. */
export interface FilledDatabase {
  readonly rows: number;
  readonly url: string;
}

/**
 * Measures a query at several sizes, which take turns too. The fast sides of a size share one connection. For "before" a
 * second one drops the table's indexes in a transaction that is rolled back: so both work on the very same data.
 * @param rounds how often fast and slow sides take turns
 * @throws ExplainedError when a size is too small to measure
 */
export async function measureQuery(
  query: HotQuery,
  databases: readonly FilledDatabase[],
  tiers: readonly CacheTier[],
  rounds: number,
): Promise<Measured[]> {
  const sizes: SizeMeasurement[] = [];
  try {
    for (const database of databases) sizes.push(await SizeMeasurement.open(query, database, tiers));
    for (let round = 0; round < rounds; round++) {
      for (const size of sizes) await size.measureOnce();
    }
    return sizes.map((size) => size.result());
  } finally {
    for (const size of sizes) await size.close();
  }
}

class SizeMeasurement {
  private readonly samples = new Samples<SideName>();

  private constructor(
    private readonly query: HotQuery,
    private readonly rows: number,
    private readonly pools: Pools,
    private readonly questions: readonly Question[],
    private readonly fast: ReadonlyMap<SideName, Side>,
  ) {}

  static async open(
    query: HotQuery,
    { rows, url }: FilledDatabase,
    tiers: readonly CacheTier[],
  ): Promise<SizeMeasurement> {
    const pools = { fast: poolOf(url), slow: poolOf(url) };
    try {
      const ask = askOn(pools.fast);
      const { questions, answers } = await fullQuestions(query, rows, pools.fast);
      const bare = await bareAnswer(pools.fast, firstOf(questions, query, rows));
      const fast = new Map<SideName, Side>([
        ['roundTrip', () => ask(ROUND_TRIP)],
        ['bare', () => ask(bare)],
        ['after', asking(questions, ask)],
      ]);
      for (const tier of tiers)
        fast.set(tier.tier, await cachedAnswers(tier, `${query.name}:${rows}`, answers));
      return new SizeMeasurement(query, rows, pools, questions, fast);
    } catch (error) {
      await close(pools);
      throw error;
    }
  }

  async measureOnce(): Promise<void> {
    await interleave(this.fast, this.samples, FAST[this.query.kind]);
    const { slow } = this.pools;
    const before = askingUnaided(this.questions, askOn(slow));
    await withoutIndexes(slow, this.query, () => measureFor('before', before, this.samples, SLOW));
  }

  result(): Measured {
    const figures = (side: SideName): Figures => this.samples.figures(side);
    const tiers = [...this.fast.keys()].filter((side) => side === 'memory' || side === 'redis');
    return {
      rows: this.rows,
      questions: this.questions.length,
      answerRows: this.query.answerRows,
      roundTrip: figures('roundTrip'),
      bare: figures('bare'),
      before: figures('before'),
      after: figures('after'),
      cached: Object.fromEntries(tiers.map((tier) => [tier, figures(tier)])),
    };
  }

  close(): Promise<void> {
    return close(this.pools);
  }
}

function firstOf(questions: readonly Question[], { table, answerRows }: HotQuery, rows: number): Question {
  const [first] = questions;
  if (first === undefined || questions.length < LEAST_QUESTIONS)
    throw new ExplainedError(
      `Only ${questions.length} questions about ${table} have ${answerRows} rows to answer with: measure with more than ${rows} rows`,
    );
  return first;
}

/** Pools of one connection each, so that everything that goes through one shares a session, transactions included. */
interface Pools {
  readonly fast: Pool;
  readonly slow: Pool;
}

/** As the application connects, but that slow statements are waited for. */
function poolOf(url: string): Pool {
  const { extra } = applicationDataSource(url, environmentSchema.parse({}), ignore) as { extra: PoolConfig };
  const pool = new Pool({ ...extra, connectionString: url, max: 1, min: 0, statement_timeout: 0 });
  pool.on('error', ignore); // connections that are ended while nobody uses them
  return pool;
}

async function close({ fast, slow }: Pools): Promise<void> {
  await fast.end();
  await slow.end();
}

const ignore = (): void => undefined;

/** As the application asks: a connection from the pool, a prepared statement, its types. */
function askOn(pool: Pool): Ask {
  const events = new QueryEvents();
  return <Row extends object>({ text, values }: Statement) => runPooled<Row>(pool, events, text, values);
}

const asking =
  (questions: readonly Question[], ask: Ask): Side =>
  (turn) =>
    (questions[turn % questions.length] as Question).ask(ask);

const askingUnaided =
  (questions: readonly Question[], ask: Ask): Side =>
  (turn) => {
    const question = questions[turn % questions.length] as Question;
    return question.askUnaided?.(ask) ?? question.ask(ask);
  };

interface FullQuestions {
  readonly questions: readonly Question[];
  /** What the cache is to keep for each. */
  readonly answers: readonly (readonly unknown[])[];
}

/** Those whose answers are full pages. Asking them all warms the caches of the database, too. */
async function fullQuestions(query: HotQuery, rows: number, pool: Pool): Promise<FullQuestions> {
  const ask = askOn(pool);
  const questions: Question[] = [];
  const answers: unknown[][] = [];
  for (const question of await query.draw(pool, rows, 2 * QUESTIONS)) {
    const answer = await question.ask(ask);
    if (answer.length < query.answerRows || questions.length === QUESTIONS) continue;
    questions.push(question);
    answers.push(answer.map((row) => query.view(row)));
  }
  return { questions, answers };
}

async function withoutIndexes(pool: Pool, { table }: HotQuery, work: () => Promise<void>): Promise<void> {
  await pool.query('BEGIN');
  try {
    await dropIndexes(pool, [table]);
    await work();
  } finally {
    await pool.query('ROLLBACK');
  }
}
