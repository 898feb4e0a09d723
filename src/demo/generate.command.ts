import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { makeFolder } from '../config/data-folder';
import { Misuse, runCommand } from './command-line';
import { metersCsv } from './dataset';
import { generatedNeighbourhood } from './neighbourhood';

interface Options {
  readonly seed: string;
  readonly before: Date;
  readonly days: number;
}

const MOST_DAYS = 366;

const command = new Command('npm run demo:generate --')
  .description(
    'Writes a made-up neighbourhood of twelve households, five of them with PV, to a folder: meters.csv and readings.csv, ' +
      'as "npm run replay" takes them. The same seed and date give the same readings.',
  )
  .argument('<folder>', 'where to write them; made when it is not there')
  .option('--seed <text>', 'another seed is another neighbourhood', 'gridtokenx')
  .option(
    '--before <date>',
    'the last day is the UTC day before this one, such as 2026-01-31',
    dateOption,
    new Date(),
  )
  .option('--days <number>', 'how many full UTC days', daysOption, 14)
  .showHelpAfterError('Try: npm run demo:generate -- --help')
  .action(generate);

void runCommand(command, process.argv);

async function generate(folder: string, choice: Options): Promise<void> {
  const dataset = generatedNeighbourhood(choice);
  const directory = resolve(folder);
  try {
    makeFolder(directory);
    await writeFile(join(directory, 'meters.csv'), metersCsv(dataset.households));
    await writeFile(join(directory, 'readings.csv'), dataset.readings());
  } catch (error) {
    throw new Misuse(
      `${directory} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  process.stdout.write(`Wrote meters.csv and readings.csv of the ${dataset.name} to ${directory}\n`);
}

function dateOption(text: string): Date {
  const date = new Date(`${text}T00:00:00Z`);
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError('It must be a date such as 2026-01-31.');
}

function daysOption(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= MOST_DAYS) return days;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST_DAYS}.`);
}
