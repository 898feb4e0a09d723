import { Command } from 'commander';
import { migrate } from '../schema/migrate';
import { runDatabaseCommand } from './run-command';

const { to } = new Command('npm run db:migrate --')
  .description('Brings the schema up to date, as every start of the server does too.')
  .option(
    '--to <migration>',
    'the last migration to apply: its number or name, as npm run db:info shows them',
  )
  .addHelpText('after', '\nExamples:\n  npm run db:migrate\n  npm run db:migrate -- --to 0007-certificates')
  .showHelpAfterError('Try: npm run db:migrate -- --help')
  .parse()
  .opts<{ to?: string }>();

void runDatabaseCommand(async ({ ownerUrl, applicationUrl }) => {
  const onWait = (sentence: string) => void process.stderr.write(`${sentence}\n`);
  const onStep = (title: string) => void process.stdout.write(`applied ${title}\n`);
  const applied = await migrate(ownerUrl, applicationUrl, { to, onStep, onWait });
  if (applied.length === 0) process.stdout.write('There is nothing to apply\n');
});
