import { Client, type ClientConfig } from 'pg';
import type { CacheStore } from '../../src/cache/cache-store';
import { environmentSchema } from '../../src/config/environment';
import { applicationDataSource } from '../../src/database/data-source-options';
import { ExplainedError } from '../../src/database/explained-error';
import { runPrepared } from '../../src/database/prepared';
import { QueryEvents } from '../../src/database/query-events';
import type { Statement } from '../../src/database/statement';
import { dropIndexes } from '../filled-database/indexes';
import { interleave, measureFor, Samples, type Figures, type Side } from '../measure';
import { bareAnswer } from './bare-answer';
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
  readonly cached: Readonly<Partial<Record<CacheStore['tier'], Figures>>>;
}

type SideName = 'roundTrip' | 'bare' | 'before' | 'after' | CacheStore['tier'];

const QUESTIONS = 500;
const LEAST_QUESTIONS = 20;
/** Fast and slow sides take turns so often. */
const ROUNDS = 5;
const FAST = { rounds: 8, calls: 25, warmUp: 3 };
const SLOW = { milliseconds: 1_200, atLeast: 2, atMost: 200 };
const ROUND_TRIP: Statement = { text: 'SELECT 1', values: [] };

/**
 * Measures a query in a database that is filled for it. The fast sides share one connection. For "before" a second one
 * drops the table's indexes in a transaction that is rolled back: so both take turns on the very same data.
 */
export async function measureQuery(
  query: HotQuery,
  rows: number,
  databaseUrl: string,
  stores: readonly CacheStore[],
): Promise<Measured> {
  const [client, slowClient] = [new Client(connection(databaseUrl)), new Client(connection(databaseUrl))];
  try {
    await client.connect();
    await slowClient.connect();
    const ask = askOn(client);
    const { questions, answers } = await fullQuestions(query, rows, client);
    const [first] = questions;
    if (first === undefined || questions.length < LEAST_QUESTIONS)
      throw new ExplainedError(
        `Only ${questions.length} questions about ${query.table} have ${query.answerRows} rows to answer with: measure with more than ${rows} rows`,
      );
    const bare = await bareAnswer(client, first);
    const fast = new Map<SideName, Side>([
      ['roundTrip', () => ask(ROUND_TRIP)],
      ['bare', () => ask(bare)],
      ['after', asking(questions, ask)],
    ]);
    for (const store of stores) fast.set(store.tier, await cachedAnswers(store, query.name, answers));
    const samples = new Samples<SideName>();
    const before = asking(questions, askOn(slowClient));
    for (let round = 0; round < ROUNDS; round++) {
      await interleave(fast, samples, FAST);
      await withoutIndexes(slowClient, query, () => measureFor('before', before, samples, SLOW));
    }
    return {
      rows,
      questions: questions.length,
      answerRows: query.answerRows,
      roundTrip: samples.figures('roundTrip'),
      bare: samples.figures('bare'),
      before: samples.figures('before'),
      after: samples.figures('after'),
      cached: Object.fromEntries(stores.map(({ tier }) => [tier, samples.figures(tier)])),
    };
  } finally {
    await client.end();
    await slowClient.end();
  }
}

/** As the application connects, but that slow statements are waited for. */
function connection(url: string): ClientConfig {
  const { extra } = applicationDataSource(url, environmentSchema.parse({}), () => undefined) as {
    extra: ClientConfig;
  };
  return { ...extra, connectionString: url, statement_timeout: 0 };
}

function askOn(client: Client): Ask {
  const events = new QueryEvents();
  return <Row extends object>({ text, values }: Statement) => runPrepared<Row>(client, events, text, values);
}

const asking =
  (questions: readonly Question[], ask: Ask): Side =>
  (turn) =>
    (questions[turn % questions.length] as Question).ask(ask);

interface FullQuestions {
  readonly questions: readonly Question[];
  /** What the cache is to keep for each. */
  readonly answers: readonly (readonly unknown[])[];
}

/** Those whose answers are full pages. Asking them all warms the caches of the database, too. */
async function fullQuestions(query: HotQuery, rows: number, client: Client): Promise<FullQuestions> {
  const ask = askOn(client);
  const questions: Question[] = [];
  const answers: unknown[][] = [];
  for (const question of await query.draw(client, rows, 2 * QUESTIONS)) {
    const answer = await question.ask(ask);
    if (answer.length < query.answerRows || questions.length === QUESTIONS) continue;
    questions.push(question);
    answers.push(answer.map((row) => query.view(row)));
  }
  return { questions, answers };
}

async function withoutIndexes(client: Client, { table }: HotQuery, work: () => Promise<void>): Promise<void> {
  await client.query('BEGIN');
  try {
    await dropIndexes(client, [table]);
    await work();
  } finally {
    await client.query('ROLLBACK');
  }
}
