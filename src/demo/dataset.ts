import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { formatDecimal, parseDecimal } from '../common/units';
import { Explained } from './explained';

/** One household and its meter, a line of meters.csv. */
export interface Household {
  readonly serial: string;
  /** Who lives there, for people who read the table. */
  readonly name: string;
  /** Nominal power of its PV, in watts; zero for those who only consume. */
  readonly pvW: bigint;
  readonly zone: string;
}

/** A neighbourhood and its readings, from a folder or made up. */
export interface Dataset {
  readonly name: string;
  readonly households: readonly Household[];
  /** How many bytes {@link readings} gives, for the progress bar. */
  readonly sizeBytes: number;
  /** readings.csv from its beginning, each time that it is asked. */
  readings(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** A folder that cannot be replayed; the message says which file, where in it, and what to do. */
export class UnusableDataset extends Explained {}

const METER_COLUMNS = ['meter_serial', 'household', 'pv_kw', 'zone'] as const;
const READING_COLUMNS = [
  'meter_serial',
  'interval_start',
  'interval_minutes',
  'generated_wh',
  'consumed_wh',
] as const;
const MOST_HOUSEHOLDS = 10_000;
const LONGEST_HEADER = 4_096;

const meterLine = z.object({
  meter_serial: z.string().min(1, 'is empty').max(64, 'has more than 64 characters'),
  household: z.string().max(200, 'has more than 200 characters'),
  pv_kw: z.string().transform((text, context) => {
    const watts = parseDecimal(text, 3);
    if (watts !== undefined && watts >= 0n) return watts;
    context.addIssue({
      code: 'custom',
      message: `is "${text}", but must be kW with at most 3 decimals, such as 4.5 or 0`,
    });
    return z.NEVER;
  }),
  zone: z.string().min(1, 'is empty').max(64, 'has more than 64 characters'),
});

/**
 * Opens a folder with meters.csv and readings.csv. Readings are streamed when they are sent, however many
 * there are; here only their header is looked at.
 * @throws UnusableDataset
 */
export async function openFolder(folder: string): Promise<Dataset> {
  const directory = resolve(folder);
  const metersFile = join(directory, 'meters.csv');
  const readingsFile = join(directory, 'readings.csv');
  const households = householdsOf(await readText(metersFile), metersFile);
  const sizeBytes = await sizeOf(readingsFile);
  refuseOtherColumns(await firstLine(readingsFile), READING_COLUMNS, readingsFile);
  return { name: directory, households, sizeBytes, readings: () => createReadStream(readingsFile) };
}

/** meters.csv as text, for a data set that is written to a folder. */
export function metersCsv(households: readonly Household[]): string {
  const lines = households.map(({ serial, name, pvW, zone }) =>
    [serial, name, formatDecimal(pvW, 3), zone].map((cell) => quoted(cell)).join(','),
  );
  return `${[METER_COLUMNS.join(','), ...lines].join('\n')}\n`;
}

const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

function householdsOf(text: string, file: string): Household[] {
  const lines = parsedLines(text, file);
  if (lines.length === 0)
    throw new UnusableDataset(`${file} names no household: give it one line for each meter`);
  if (lines.length > MOST_HOUSEHOLDS) {
    throw new UnusableDataset(
      `${file} names ${lines.length} households; at most ${MOST_HOUSEHOLDS} can be replayed at once`,
    );
  }
  const seen = new Set<string>();
  return lines.map(({ record, line }) => {
    const household = householdOf(record, `${file}, line ${line}`);
    if (seen.has(household.serial)) {
      throw new UnusableDataset(
        `${file}, line ${line}: meter ${household.serial} stands there twice; leave one line of it`,
      );
    }
    seen.add(household.serial);
    return household;
  });
}

interface CsvLine {
  readonly record: Record<string, string>;
  readonly line: number;
}

function parsedLines(text: string, file: string): CsvLine[] {
  const header = (columns: string[]): string[] => {
    refuseOtherColumns(columns.join(','), METER_COLUMNS, file);
    return columns;
  };
  try {
    const records = parse<{ record: Record<string, string>; info: { lines: number } }>(text, {
      bom: true,
      columns: header,
      info: true,
      skip_empty_lines: true,
      trim: true,
    });
    return records.map(({ record, info }) => ({ record, line: info.lines }));
  } catch (error) {
    if (error instanceof CsvError)
      throw new UnusableDataset(`${file} is not well-formed CSV: ${error.message}`);
    throw error;
  }
}

function householdOf(record: Record<string, string>, where: string): Household {
  const { success, data, error } = meterLine.safeParse(record);
  if (success) return { serial: data.meter_serial, name: data.household, pvW: data.pv_kw, zone: data.zone };
  const faults = error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ');
  throw new UnusableDataset(`${where}: ${faults}`);
}

function refuseOtherColumns(header: string, wanted: readonly string[], file: string): void {
  const found = header
    .replace(/^\uFEFF/, '')
    .split(',')
    .map((column) => column.trim());
  const missing = wanted.filter((column) => !found.includes(column));
  if (missing.length === 0) return;
  throw new UnusableDataset(
    `${file} lacks ${missing.join(', ')}: its first line must name ${wanted.join(', ')}`,
  );
}

async function firstLine(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(LONGEST_HEADER), 0, LONGEST_HEADER, 0);
    return buffer.toString('utf8', 0, bytesRead).split(/\r?\n/, 1)[0] ?? '';
  } finally {
    await handle.close();
  }
}

const readText = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: unknown) => unreadable(error, file));

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    (error: unknown) => unreadable(error, file),
  );

function unreadable(error: unknown, file: string): never {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'ENOTDIR')
    throw new UnusableDataset(`${file} cannot be read: ${message}`);
  throw new UnusableDataset(
    `There is no ${file}: name a folder that holds meters.csv and readings.csv; ` +
      'npm run demo:generate -- <folder> makes one',
  );
}
