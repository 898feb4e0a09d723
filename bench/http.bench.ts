import { cpus } from 'node:os';
import { Logger } from '@nestjs/common';
import { Command, InvalidArgumentError } from 'commander';
import { readDotEnv } from '../src/config/config';
import { RELEASE } from '../src/config/release';
import { explain, ExplainedError } from '../src/database/explained-error';
import { openEvidenceBook } from './evidence-book';
import { load } from './http/load';
import { loadTests, STRESS_SECONDS, type LoadTest, type TestedLoad } from './http/load-tests';
import { startOwnServer, type TestedServer } from './http/own-server';
import { loadFigures, loadTable } from './http/report';
import { logIn } from './http/session';
import { progressOn, type Progress } from './progress';

interface Options {
  readonly url?: string;
  readonly seconds: number;
  readonly json: boolean;
  readonly record: boolean;
}

const DESCRIPTION = [
  "Puts the performance guide's load on a server: GET /api/offers, 1 000 requests over 10 connections, and " +
    `GET /api/users as an administrator, 100 connections for ${STRESS_SECONDS} seconds.`,
  'It starts a server of its own on a filled PostgreSQL that goes away again, on loopback and without rate limits. ' +
    'With --url it asks one that runs, as ADMIN_EMAIL with ADMIN_PASSWORD.',
].join('\n\n');

const HELP = `
Promised are answers of status 200 without a broken connection, and 97.5 % of the offers within 40 ms.
A server that limits rates is measured by its refusals: start it with RATE_LIMIT_ENABLED=false.

What was measured is recorded in the database of this environment, where npm run doctor looks for it,
unless --no-record is given or --seconds makes it shorter.

Exit code: 0 when every promise is kept, 1 when not, with a sentence for each that is not.

Examples:
  npm run bench:http
  npm run bench:http -- --url http://127.0.0.1:8080
  npm run bench:http -- --seconds 5 --json`;

const command = new Command('npm run bench:http --')
  .description(DESCRIPTION)
  .option('--url <url>', 'a server that runs', serverUrl)
  .option('--seconds <n>', 'how long the second load lasts', wholeSeconds, STRESS_SECONDS)
  .option('--json', 'print the result as one line of JSON', false)
  .option('--no-record', 'do not record the result')
  .addHelpText('after', HELP)
  .showHelpAfterError('Try: npm run bench:http -- --help')
  .action(run);

command.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});

async function run({ url, seconds, json, record }: Options): Promise<void> {
  Logger.overrideLogger(false); // the application's log would stand in the middle of the result
  const book = await openEvidenceBook(record && seconds >= STRESS_SECONDS, say);
  try {
    const tested = await measure(url, loadTests(seconds));
    const circumstances = {
      measuredAt: new Date().toISOString(),
      release: RELEASE,
      node: process.versions.node,
      cores: cpus().length,
      server: url ?? 'a server of its own',
    };
    const figures = loadFigures(circumstances, tested);
    process.stdout.write(json ? `${JSON.stringify(figures)}\n` : `${loadTable(circumstances, tested)}\n`);
    const { missed } = figures;
    await book.record({ kind: 'load-test', source: 'bench:http', missed, figures });
    for (const sentence of missed) say(sentence);
    if (missed.length > 0) process.exitCode = 1;
  } finally {
    await book.close();
  }
}

async function measure(url: string | undefined, tests: readonly LoadTest[]): Promise<TestedLoad[]> {
  const progress = progressOn(process.stderr);
  const server = await serverAt(url, progress);
  try {
    return await measureOn(server, tests, progress);
  } finally {
    progress.end();
    await server.close();
  }
}

async function measureOn(
  server: TestedServer,
  tests: readonly LoadTest[],
  progress: Progress,
): Promise<TestedLoad[]> {
  const session = await logIn(server.url, server.email, server.password);
  const tested: TestedLoad[] = [];
  try {
    for (const test of tests) {
      const { connections, until, path, asAdmin } = test;
      const headers = asAdmin ? session.headers : {};
      const order = { url: server.url + path, connections, until, headers };
      const result = await load(order, (share) =>
        progress.show(`GET ${path}`, tested.length + share, tests.length),
      );
      tested.push({ test, result });
      progress.show(`GET ${path}`, tested.length, tests.length);
    }
  } finally {
    await session.end();
  }
  return tested;
}

/** One that runs is left as it is. */
async function serverAt(url: string | undefined, progress: Progress): Promise<TestedServer> {
  if (url === undefined) {
    const server = await startOwnServer(say, (step, done, total) => progress.show(step, done, total));
    progress.end();
    return server;
  }
  readDotEnv();
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password } = process.env;
  if (!email || !password)
    throw new ExplainedError(
      'Set ADMIN_EMAIL and ADMIN_PASSWORD to those of an administrator of that server: GET /api/users answers nobody else',
    );
  return { url, email, password, close: () => Promise.resolve() };
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

function serverUrl(text: string): string {
  if (!/^https?:\/\/[^/]/.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('It must be such as http://127.0.0.1:8080.');
  return text.replace(/\/+$/, '');
}

function wholeSeconds(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new InvalidArgumentError('It must be a number of seconds from 1 to 9999.');
  return Number(text);
}
