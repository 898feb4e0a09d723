import Table from 'cli-table3';
import { Command } from 'commander';
import { migrationInfo } from '../schema/migrate';
import type { MigrationStatus } from '../schema/migration-states';
import { runDatabaseCommand } from './run-command';

new Command('npm run db:info --')
  .description(
    'Shows every migration: applied, pending, changed (it is no longer what was applied) or unknown (a newer version ' +
      'applied it). Those that an older version applied have no time.',
  )
  .showHelpAfterError('Try: npm run db:info -- --help')
  .parse();

void runDatabaseCommand(async ({ ownerUrl }) => {
  process.stdout.write(`${tableOf(await migrationInfo(ownerUrl))}\n`);
});

function tableOf(states: readonly MigrationStatus[]): string {
  const table = new Table({
    head: ['number', 'migration', 'state', 'applied at', 'took'],
    colAligns: ['right', 'left', 'left', 'left', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const { number, title, state, appliedAt, durationMs } of states) {
    const at = appliedAt?.toISOString().replace('T', ' ').slice(0, 19);
    table.push([
      number,
      title.slice(5),
      state,
      at === undefined ? '' : `${at} UTC`,
      durationMs === undefined ? '' : `${durationMs} ms`,
    ]);
  }
  return table.toString();
}
