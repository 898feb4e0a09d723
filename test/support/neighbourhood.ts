import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from '../../src/demo/api-client';
import { metersCsv, openFolder } from '../../src/demo/dataset';
import { logIn } from '../../src/demo/household-account';
import { generatedNeighbourhood } from '../../src/demo/neighbourhood';
import { silence } from '../../src/common/progress';
import { replay, type ReplayResult } from '../../src/demo/replay';
import type { TestApp } from './app';

/** So many days are enough for every rule to be met; the real neighbourhood has a fortnight. */
const GENERATED_DAYS = 2;

/** One meter's readings, summed by hand: Wh. */
export interface Expected {
  readonly serial: string;
  generatedWh: bigint;
  consumedWh: bigint;
  surplusWh: bigint;
  deficitWh: bigint;
  readings: number;
  /** Intervals in which generation and consumption differ: each makes one order. */
  orders: number;
}

/** A folder with meters.csv and readings.csv, ours to throw away. */
export interface Folder {
  readonly path: string;
  readonly meters: string;
  /** The lines of readings.csv, its header first. */
  readonly lines: readonly string[];
  remove(): Promise<void>;
}

/** The neighbourhood of NEIGHBOURHOOD_DIR, or a generated one, copied to a folder of its own. */
export async function neighbourhood(): Promise<Folder> {
  const given = process.env['NEIGHBOURHOOD_DIR'];
  if (given !== undefined) {
    const [meters, readings] = await Promise.all(
      ['meters.csv', 'readings.csv'].map((file) => readFile(join(given, file), 'utf8')),
    );
    return folderOf(meters as string, linesOf(readings as string));
  }
  const made = generatedNeighbourhood({ seed: 'test', before: new Date(), days: GENERATED_DAYS });
  const readings = Buffer.concat([...(made.readings() as Iterable<Uint8Array>)]).toString('utf8');
  return folderOf(metersCsv(made.households), linesOf(readings));
}

/** Writes a neighbourhood to a new folder. */
export async function folderOf(meters: string, lines: readonly string[]): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'gridtokenx-neighbourhood-'));
  await writeFile(join(path, 'meters.csv'), meters);
  await writeFile(join(path, 'readings.csv'), `${lines.join('\n')}\n`);
  return { path, meters, lines, remove: () => rm(path, { recursive: true }) };
}

/** What the readings sum up to, worked out here and not by the code under test. */
export function expectedOf(lines: readonly string[]): Map<string, Expected> {
  const sums = new Map<string, Expected>();
  for (const line of lines.slice(1)) {
    const [serial = '', , , generated = '', consumed = ''] = line.split(',');
    const sum = sums.get(serial) ?? nothing(serial);
    sums.set(serial, sum);
    const net = BigInt(generated) - BigInt(consumed);
    sum.generatedWh += BigInt(generated);
    sum.consumedWh += BigInt(consumed);
    if (net > 0n) sum.surplusWh += net;
    if (net < 0n) sum.deficitWh -= net;
    if (net !== 0n) sum.orders++;
    sum.readings++;
  }
  return sums;
}

/** Sums a figure over all meters. */
export const total = <Key extends 'generatedWh' | 'consumedWh' | 'surplusWh' | 'deficitWh'>(
  expected: ReadonlyMap<string, Expected>,
  key: Key,
): bigint => [...expected.values()].reduce((sum, one) => sum + one[key], 0n);

/** Replays a folder on a running application, as `npm run replay` does. */
export async function replayOn(
  app: TestApp,
  folder: Folder,
  send: typeof fetch = fetch,
): Promise<ReplayResult> {
  const anybody = new ApiClient({ url: app.url, fetch: send });
  return replay({
    dataset: await openFolder(folder.path),
    anybody,
    admin: anybody.as(() => logIn(anybody, app.admin.email, app.admin.password)),
    secret: app.admin.password,
    market: 'solar',
    prices: {},
    timeZone: 'UTC',
    progress: silence,
  });
}

const linesOf = (text: string): string[] => text.trimEnd().split(/\r?\n/);

const nothing = (serial: string): Expected => ({
  serial,
  generatedWh: 0n,
  consumedWh: 0n,
  surplusWh: 0n,
  deficitWh: 0n,
  readings: 0,
  orders: 0,
});
