import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { ApiClient } from './api-client';
import { Misuse, runCommand, stopSignal } from './command-line';
import type { Member } from './household-account';
import { generatedNeighbourhood, NEIGHBOURHOOD_TIME_ZONE } from './neighbourhood';
import { silence } from './progress';
import { isSound, replay, type ReplayResult } from './replay';

const SEED = 'gridtokenx';
const DAYS = 14;
/** A week of trades is enough to look at, and what was minted before is there to be traded by hand. */
const TRADED_DAYS = 7;
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
  const anybody = new ApiClient({ url, signal: stopSignal() });
  const today = new Date();
  today.setUTCHours(0, 0, 0, 0);
  const result = await replay({
    dataset: generatedNeighbourhood({ seed: SEED, before: today, days: DAYS }),
    anybody,
    admin: anybody.as(() => Promise.resolve(token)),
    secret,
    market: 'solar',
    prices: {},
    tradeFrom: new Date(today.getTime() - TRADED_DAYS * DAY_MS),
    timeZone: NEIGHBOURHOOD_TIME_ZONE,
    progress: silence,
  });
  await writeLogins(loginsFile, url, result.members);
  process.stdout.write(`${summaryOf(result, url, loginsFile)}\n`);
  if (!isSound(result)) process.exitCode = 1;
}

/** Passwords of made-up people, but passwords: the file is for its owner's eyes only. */
async function writeLogins(file: string, url: string, members: readonly Member[]): Promise<void> {
  const logins = members.map(({ household, credentials, userId, meterId }) => ({
    household: household.name,
    meterSerial: household.serial,
    ...credentials,
    userId,
    meterId,
  }));
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify({ url, logins }, null, 2)}\n`, { mode: 0o600 });
  } catch (error) {
    throw new Misuse(
      `The log-ins could not be written to ${file}: ${error instanceof Error ? error.message : String(error)}`,
    );
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
    `Demo neighbourhood: ${households.length} households, ${DAYS} days, ${reconciliation.breaks} breaks, in ${seconds.toFixed(1)} s`,
    ...table.map((row) => `  ${row}`),
    `Log in at POST ${url}/api/auth/login; the log-ins are in ${loginsFile}`,
    `Open ${url}/docs`,
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
    `${name} is not set: fill-demo is started by the server; to fill one by hand use npm run replay`,
  );
}
