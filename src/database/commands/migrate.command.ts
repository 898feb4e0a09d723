import { migrate } from '../migrate';
import { runDatabaseCommand } from './run-command';

/** `npm run db:migrate`: brings the schema up to date, as every start of the server does too. */
void runDatabaseCommand(async ({ ownerUrl, applicationUrl }) => {
  const applied = await migrate(ownerUrl, applicationUrl);
  for (const name of applied) process.stdout.write(`applied ${name}\n`);
  process.stdout.write(
    applied.length === 0 ? 'The schema is up to date\n' : `${applied.length} migrations applied\n`,
  );
});
