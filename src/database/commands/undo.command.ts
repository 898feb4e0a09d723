import { Command } from 'commander';
import { undoMigrations } from '../schema/migrate';
import { runDatabaseCommand } from './run-command';

const { to } = new Command('npm run db:undo --')
  .description('Takes the last migration back, and the data of what it made with it.')
  .option(
    '--to <migration>',
    'take back all that come after this one: its number or name, as npm run db:info shows them; 0 takes back all',
  )
  .addHelpText('after', '\nExamples:\n  npm run db:undo\n  npm run db:undo -- --to 0007-certificates')
  .showHelpAfterError('Try: npm run db:undo -- --help')
  .parse()
  .opts<{ to?: string }>();

void runDatabaseCommand(async ({ ownerUrl }) => {
  const onWait = (sentence: string) => void process.stderr.write(`${sentence}\n`);
  const onStep = (title: string) => void process.stdout.write(`undone ${title}\n`);
  const undone = await undoMigrations(ownerUrl, { to, onStep, onWait });
  if (undone.length === 0) process.stdout.write('There is nothing to undo\n');
});
