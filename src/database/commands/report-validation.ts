import Table from 'cli-table3';
import type { SchemaDifference } from '../schema/schema-difference';
import type { Validation } from '../schema/validate';

/** Where nobody looks on, and at most: longer lines are hard to read. */
const WIDTH = 140;
const KIND_WIDTH = 12;

/** One line when code and database agree; else what differs, each with its mend, and exit code 1. */
export function reportValidation({ differences, ...compared }: Validation): void {
  if (differences.length > 0) {
    process.stdout.write(
      `${differencesTable(differences)}\nCode and database differ ${timesOf(differences)}\n`,
    );
    process.exitCode = 1;
    return;
  }
  const counts = Object.entries(compared).map(([what, count]) => `${count} ${what}`);
  process.stdout.write(`Code and database agree: ${counts.join(', ')}\n`);
}

const timesOf = ({ length }: readonly SchemaDifference[]): string =>
  length === 1 ? 'in one place' : `in ${length} places`;

function differencesTable(differences: readonly SchemaDifference[]): string {
  const width = Math.min(process.stdout.isTTY ? process.stdout.columns : WIDTH, WIDTH) - KIND_WIDTH - 4;
  const table = new Table({
    head: ['kind', 'difference', 'mend'],
    colWidths: [KIND_WIDTH, Math.ceil(width / 2), Math.floor(width / 2)],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  for (const { kind, message, mend } of differences) table.push([kind, message, mend]);
  return table.toString();
}
