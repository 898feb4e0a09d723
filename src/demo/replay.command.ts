import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { ApiClient } from './api-client';
import { ApiProblem } from './api-problem';
import { Misuse, priceOption, runCommand, stopSignal } from './command-line';
import { openFolder } from './dataset';
import { logIn } from './household-account';
import { progressOn } from '../common/progress';
import { isSound, replay } from './replay';
import { jsonOf, reportOf } from './replay-report';
import type { Prices } from './trading-plan';

interface Options extends Prices {
  readonly url: string;
  readonly adminEmail?: string;
  readonly adminPassword?: string;
  readonly market: string;
  readonly timeZone: string;
  readonly json: boolean;
}

const DESCRIPTION = [
  'Replays a neighbourhood on a running server, through its public HTTP API alone.',
  '<folder> holds meters.csv (meter_serial, household, pv_kw, zone) and readings.csv (meter_serial, interval_start, ' +
    'interval_minutes, generated_wh, consumed_wh). Its households are registered, readings loaded, surplus minted, ' +
    "every interval's surplus offered and every deficit bid for, day by day; each PV meter's generation is " +
    'certified, everything is reconciled, and a table says what became of it.',
  'It may be stopped anywhere and run again: what was done is found and not done twice.',
].join('\n\n');

const HELP = `
Prices are per kWh. Without --ask and --bid the first household asks 3.000 and bids 4.500, and each
next one asks 0.050 more and bids 0.050 less; after sixteen the ladder begins anew.

The households' passwords are made from the admin's password and their e-mail addresses.

Exit code: 0 when all is well; 1 when reconciliation found breaks, energy or money is not conserved,
an order was refused, or it could not be done; 130 when it was stopped. Rejected readings are listed
with their lines and do not stop it.

Examples:
  npm run replay -- ../shared/data/community --admin-email admin@example.org --admin-password …
  ADMIN_EMAIL=… ADMIN_PASSWORD=… npm run replay -- my-neighbourhood --ask 2.80 --bid 5 --json`;

readDotEnv();

const command = new Command('npm run replay --')
  .description(DESCRIPTION)
  .argument('<folder>', 'folder with meters.csv and readings.csv')
  .option('--url <url>', 'where the server listens', defaultUrl(process.env))
  .option('--admin-email <email>', 'e-mail address of an admin (or ADMIN_EMAIL)')
  .option(
    '--admin-password <password>',
    'password of that admin (or ADMIN_PASSWORD, which others cannot read)',
  )
  .option('--market <market>', 'a continuous market of solar energy', 'solar')
  .option('--ask <price>', 'what every household asks', priceOption)
  .option('--bid <price>', 'what every household bids', priceOption)
  .option('--time-zone <name>', 'IANA name of the time zone of new meters', 'UTC')
  .option('--json', 'print the result as JSON', false)
  .addHelpText('after', HELP)
  .showHelpAfterError('Try: npm run replay -- --help')
  .action(run);

void runCommand(command, process.argv);

async function run(folder: string, options: Options): Promise<void> {
  const dataset = await openFolder(folder);
  const { email, password } = adminOf(options);
  const progress = progressOn(process.stderr);
  const anybody = new ApiClient({ url: serverUrl(options.url), signal: stopSignal() });
  const admin = anybody.as(() => logInAsAdmin(anybody, email, password));
  try {
    const { market, ask, bid, timeZone } = options;
    const result = await replay({
      dataset,
      anybody,
      admin,
      secret: password,
      market,
      prices: { ask, bid },
      timeZone,
      progress,
    });
    process.stdout.write(`${options.json ? JSON.stringify(jsonOf(result), null, 2) : reportOf(result)}\n`);
    if (!isSound(result)) process.exitCode = 1;
  } finally {
    progress.end();
  }
}

/** What the server reads from .env, this reads too; variables that are set already count more. */
function readDotEnv(): void {
  if (existsSync('.env')) process.loadEnvFile('.env');
}

/** Where a server on this machine listens by the same variables. */
function defaultUrl({ HOST, PORT }: NodeJS.ProcessEnv): string {
  const host = HOST === undefined || HOST === '' || HOST === '0.0.0.0' || HOST === '::' ? '127.0.0.1' : HOST;
  return `http://${host.includes(':') ? `[${host}]` : host}:${PORT === undefined || PORT === '' ? '8080' : PORT}`;
}

function serverUrl(text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text.replace(/\/+$/, '');
  throw new Misuse(`--url ${text} is no address of a server: give one such as http://127.0.0.1:8080`);
}

function adminOf({ adminEmail, adminPassword }: Options): { email: string; password: string } {
  const email = adminEmail ?? process.env['ADMIN_EMAIL'] ?? '';
  const password = adminPassword ?? process.env['ADMIN_PASSWORD'] ?? '';
  if (email !== '' && password !== '') return { email, password };
  throw new Misuse(
    'A replay needs an admin: give --admin-email and --admin-password, or set ADMIN_EMAIL and ADMIN_PASSWORD; ' +
      'the server printed them at its first start',
  );
}

async function logInAsAdmin(anybody: ApiClient, email: string, password: string): Promise<string> {
  try {
    return await logIn(anybody, email, password);
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status !== 401) throw error;
    throw new Misuse(
      `The server knows no admin ${email} with this password: check both, or set a new password with npm run admin:reset`,
    );
  }
}
