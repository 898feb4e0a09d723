import { Command } from 'commander';
import { Client } from 'pg';
import { loadConfig } from '../config/config';
import { CommandRefused, runDatabaseCommand } from '../database/commands/run-command';
import { AdminNotReset, resetAdmin, type AdminReset } from './admin-reset';
import { dropSharedUser } from './shared-user';

/** `npm run admin:reset -- [--email …] [--password …]`: gives an administrator who is locked out a new password. */
const { email, password } = new Command('admin:reset')
  .description('Gives an administrator a new password, activates the account and ends its sessions.')
  .option('--email <address>', 'which administrator; else the first one')
  .option('--password <password>', 'the new password, 10 characters or more; else one is made up')
  .parse()
  .opts<AdminReset>();

const dropShared = async (userId: string): Promise<void> => {
  if (await dropSharedUser(loadConfig(process.env), userId)) return;
  process.stderr.write(
    'Redis did not answer: access tokens from before may be taken until they end, within 15 minutes\n',
  );
};

void runDatabaseCommand(async ({ ownerUrl }) => {
  const owner = new Client({ connectionString: ownerUrl, application_name: 'gridtokenx admin:reset' });
  await owner.connect();
  try {
    const admin = await resetAdmin(owner, { email, password }, dropShared);
    process.stdout.write(
      `The administrator ${admin.username} logs in with\n  e-mail    ${admin.email}\n  password  ${admin.password}\n`,
    );
  } catch (error) {
    throw error instanceof AdminNotReset ? new CommandRefused(error.message) : error;
  } finally {
    await owner.end();
  }
});
