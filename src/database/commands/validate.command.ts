import Table from 'cli-table3';
import { Command } from 'commander';
import type { SchemaDifference } from '../schema/schema-difference';
import { validateSchema } from '../schema/validate';
import { runDatabaseCommand } from './run-command';

/** Where nobody looks on, and at most: longer lines are hard to read. */
const WIDTH = 140;
const KIND_WIDTH = 12;

new Command('npm run db:validate --')
  .description(
    'Compares migrations, entities, constraints and the catalogue of indexes with what the database has, both ways. ' +
      'Changes nothing. Exit code 1 when they differ.',
  )
  .showHelpAfterError('Try: npm run db:validate -- --help')
  .parse();

void runDatabaseCommand(async ({ ownerUrl }) => {
  const { differences, ...compared } = await validateSchema(ownerUrl);
  if (differences.length > 0) {
    process.stdout.write(`${tableOf(differences)}\n${differences.length} differences\n`);
    process.exitCode = 1;
    return;
  }
  const counts = Object.entries(compared).map(([what, count]) => `${count} ${what}`);
  process.stdout.write(`Code and database agree: ${counts.join(', ')}\n`);
});

function tableOf(differences: readonly SchemaDifference[]): string {
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
