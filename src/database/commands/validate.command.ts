import { Command } from 'commander';
import { validateSchema } from '../schema/validate';
import { reportValidation } from './report-validation';
import { runDatabaseCommand } from './run-command';

new Command('npm run db:validate --')
  .description(
    'Compares migrations, entities, constraints and the catalogue of indexes with what the database has, both ways. ' +
      'Changes nothing. Exit code 1 when they differ.',
  )
  .showHelpAfterError('Try: npm run db:validate -- --help')
  .parse();

void runDatabaseCommand(async ({ ownerUrl }) => reportValidation(await validateSchema(ownerUrl)));
