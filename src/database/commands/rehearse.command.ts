import { Command } from 'commander';
import { progressOn } from '../../common/progress';
import { rehearse } from '../schema/rehearse';
import { reportValidation } from './report-validation';
import { runDatabaseCommand, stopSignal } from './run-command';

new Command('npm run db:rehearse --')
  .description(
    'Rehearses all migrations in a database of their own beside this one: up, compared with the code, down to nothing, ' +
      'and up again to the very same. It is dropped in the end, after Ctrl-C too. Exit code 1 when something is wrong.',
  )
  .showHelpAfterError('Try: npm run db:rehearse -- --help')
  .parse();

const stop = stopSignal();

void runDatabaseCommand(async (urls) => {
  const progress = progressOn(process.stderr);
  const found = await rehearse(urls, { progress, signal: stop }).finally(() => progress.end());
  reportValidation(found);
});
