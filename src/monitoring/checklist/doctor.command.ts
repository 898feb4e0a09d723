import { Command } from 'commander';
import { loadConfig } from '../../config/config';
import type { Environment } from '../../config/environment';
import { runDatabaseCommand } from '../../database/commands/run-command';
import type { DatabaseUrls } from '../../database/database.module';
import type { ChecklistAnswer } from './checklist';
import { checklistText } from './checklist-table';
import { judgeWithoutServer } from './local-checklist';
import { askServer, type Credentials } from './running-server';

interface Options {
  readonly url?: string;
  readonly json?: true;
}

const DESCRIPTION = [
  'Fills in the checklists of both performance guides by what is live.',
  'A server that runs at PORT (or --url) is asked, as ADMIN_EMAIL with ADMIN_PASSWORD: the cache, the pool, the ' +
    'metrics and what requests do are known there alone. Without one these boxes say so, and all others are judged ' +
    'from the database.',
].join('\n\n');

const HELP = `
Exit code: 0 when no box fails, 1 when one does.

Examples:
  npm run doctor
  npm run doctor -- --url http://127.0.0.1:8080
  npm run doctor -- --json`;

const command = new Command('npm run doctor --')
  .description(DESCRIPTION)
  .option('--url <url>', 'the server to ask; by default the one at HOST and PORT of this environment')
  .option('--json', 'print what GET /api/admin/performance/checklist answers')
  .addHelpText('after', HELP)
  .showHelpAfterError('Try: npm run doctor -- --help')
  .action(run)
  .parse();

function run({ url, json }: Options): void {
  if (url !== undefined && !/^https?:\/\/[^/]/.test(url))
    return command.error('--url must be such as http://127.0.0.1:8080');
  void runDatabaseCommand((database) => examine(database, url, json === true));
}

async function examine(urls: DatabaseUrls, url: string | undefined, asJson: boolean): Promise<void> {
  const { environment } = loadConfig(process.env);
  const answer = await answerOf(urls, environment, url?.replace(/\/+$/, ''));
  process.stdout.write(
    asJson ? `${JSON.stringify(answer)}\n` : `${checklistText(answer, process.stdout.columns)}\n`,
  );
  if (answer.summary.fail > 0) process.exitCode = 1;
}

async function answerOf(
  urls: DatabaseUrls,
  environment: Environment,
  url: string | undefined,
): Promise<ChecklistAnswer> {
  const asked = await askServer(url ?? urlOf(environment), credentialsOf(environment));
  if ('answer' in asked) return asked.answer;
  process.stderr.write(`Judged without a server: ${asked.reason}\n`);
  return judgeWithoutServer(urls, environment);
}

/** A server that listens everywhere listens on loopback too. */
function urlOf({ HOST, PORT }: Environment): string {
  const host = HOST === '0.0.0.0' || HOST === '::' ? '127.0.0.1' : HOST;
  return `http://${host.includes(':') ? `[${host}]` : host}:${PORT}`;
}

function credentialsOf({
  ADMIN_EMAIL: email,
  ADMIN_PASSWORD: password,
}: Environment): Credentials | undefined {
  return email === undefined || password === undefined ? undefined : { email, password };
}
