import { undoLastMigration } from '../migrate';
import { runDatabaseCommand } from './run-command';

/** `npm run db:undo`: takes the last migration back, and the data of what it made with it. */
void runDatabaseCommand(async ({ ownerUrl }) => {
  const undone = await undoLastMigration(ownerUrl);
  process.stdout.write(undone === undefined ? 'No migration is applied\n' : `undone ${undone}\n`);
});
