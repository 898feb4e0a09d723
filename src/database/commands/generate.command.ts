import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { draftMigrations } from '../schema/draft';
import { CommandRefused, runDatabaseCommand, stopSignal } from './run-command';

const command = new Command('npm run db:generate --')
  .description(
    'Drafts the migrations that lead from those there are to what entities and the catalogue of indexes say. It looks ' +
      'at a database of its own beside this one, which is dropped in the end, after Ctrl-C too.',
  )
  .argument('<name>', 'what the migration is about, in lower-case words with hyphens: notes-of-meters')
  .addHelpText(
    'after',
    '\nA draft is to be read: a column of another type is dropped and added again, a partitioned table is drafted as\n' +
      'a plain one. npm run db:rehearse shows whether it holds.',
  )
  .showHelpAfterError('Try: npm run db:generate -- --help')
  .parse();

const stop = stopSignal();

void runDatabaseCommand(async (urls) => {
  const folder = resolve('migrations');
  if (!existsSync(folder)) {
    throw new CommandRefused(`There is no folder ${folder}: run npm run db:generate where the sources are`);
  }
  const [name = ''] = command.args;
  const { files, notes } = await draftMigrations(urls, { name, folder }, stop);
  if (files.length === 0)
    process.stdout.write('There is nothing to draft: the migrations lead to what the code says\n');
  for (const file of files) process.stdout.write(`wrote ${file}\n`);
  for (const note of notes) process.stdout.write(`- ${note}\n`);
  if (files.length > 0) process.stdout.write('Read it, then: npm run format, npm run db:rehearse\n');
});
