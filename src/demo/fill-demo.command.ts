import { writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { ApiClient } from './api-client';
import { Misuse, runCommand, stopSignal } from './command-line';
import type { Member } from './household-account';
import { generatedNeighbourhood, NEIGHBOURHOOD_TIME_ZONE } from './neighbourhood';
import { silence } from '../common/progress';
import { makeFolder } from '../config/data-folder';
import { isSound, replay, type ReplayResult } from './replay';

const SEED = 'gridtokenx';
const DAYS = 14;
/** So many days of trades are enough to look at; what was minted before is there to be traded by hand. */
const TRADED_DAYS = 4;
const DAY_MS = 86_400_000;

const command = new Command('fill-demo')
  .description(
    'Fills a new server with a made-up neighbourhood; the server starts it when it is embedded and empty',
  )
  .action(fill);

void runCommand(command, process.argv);

/** Works with the admin's access token that the server hands over; it never learns a password of the admin's. */
async function fill(): Promise<void> {
  const url = variable('DEMO_URL');
  const token = variable('DEMO_ADMIN_TOKEN');
  const secret = variable('DEMO_SEED_SECRET');
  const loginsFile = resolve(variable('DEMO_LOGINS_FILE'));
  const before = dayOf(variable('DEMO_UNTIL'));
  const anybody = new ApiClient({ url, signal: stopSignal() });
  const result = await replay({
    dataset: generatedNeighbourhood({ seed: SEED, before, days: DAYS }),
    anybody,
    admin: anybody.as(() => Promise.resolve(token)),
    secret,
    market: 'solar',
    prices: {},
    tradeFrom: new Date(before.getTime() - TRADED_DAYS * DAY_MS),
    timeZone: NEIGHBOURHOOD_TIME_ZONE,
    progress: silence,
  });
  await writeLogins(loginsFile, result.members);
  process.stdout.write(`${summaryOf(result, url, loginsFile)}\n`);
  if (!isSound(result)) process.exitCode = 1;
}

/** Passwords of made-up people, but passwords: the file is for its owner's eyes only. */
async function writeLogins(file: string, members: readonly Member[]): Promise<void> {
  const rows = members.map(({ household, credentials: { username, email, password } }) => [
    household.name,
    household.serial,
    username,
    email,
    password,
  ]);
  const table = aligned([['household', 'meter', 'username', 'e-mail', 'password'], ...rows]);
  try {
    makeFolder(dirname(file));
    await writeFile(file, `${table.join('\n')}\n`, { mode: 0o600 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Misuse(`The log-ins could not be written to ${file}: ${reason}`);
  }
}

function summaryOf(
  { members, households, reconciliation, seconds }: ReplayResult,
  url: string,
  loginsFile: string,
): string {
  const rows = members.map(({ household, credentials }) => [
    household.name,
    credentials.username,
    credentials.password,
  ]);
  const table = aligned([['household', 'username', 'password'], ...rows]);
  return [
    '',
    `A demo neighbourhood has moved in: ${households.length} households, ${DAYS} days of readings, ` +
      `${TRADED_DAYS} days of trades, ${reconciliation.breaks} breaks, in ${seconds.toFixed(1)} s`,
    ...table.map((row) => `  ${row}`),
    `Log in with POST ${url}/api/auth/login; these log-ins are kept in ${loginsFile}`,
    `Open ${url}/docs and try the market out`,
  ].join('\n');
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function variable(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  throw new Misuse(
    `${name} is not set: the server starts this when it is empty; fill one by hand with npm run replay`,
  );
}

/** The day after the last one with readings, such as 2026-01-31. */
function dayOf(text: string): Date {
  const day = new Date(`${text}T00:00:00Z`);
  if (Number.isNaN(day.getTime()))
    throw new Misuse(`DEMO_UNTIL is ${text}, but must be a date such as 2026-01-31`);
  return day;
}
