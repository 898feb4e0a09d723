import { Command, Option } from 'commander';
import { analyzeTables, applyMissing, printSql, rebuild, showBloat } from './index-work';
import { runDatabaseCommand } from './run-command';

interface Options {
  readonly reindex?: string;
  readonly analyze?: string | true;
  readonly bloat?: true;
  readonly sql?: true;
  readonly json: boolean;
}

const DESCRIPTION = [
  'Shows the indexes of the database, and builds those that are declared and missing, left INVALID by a broken build, ' +
    'or there in another form.',
  'Readers and writers go on meanwhile. It may be stopped anywhere and run again: what is finished stays, and what is ' +
    'half done is found.',
].join('\n\n');

const WORK = ['reindex', 'analyze', 'bloat', 'sql'];
/** One thing at a time. */
const only = (flags: string, description: string): Option => {
  const option = new Option(flags, description);
  return option.conflicts(WORK.filter((other) => other !== option.attributeName()));
};

const options = new Command('npm run db:indexes --')
  .description(DESCRIPTION)
  .addOption(
    only('--reindex <name>', 'rebuild an index, or all indexes of a table or partition, while they serve'),
  )
  .addOption(only('--analyze [table]', "renew the planner's statistics of a table, or of all"))
  .addOption(only('--bloat', 'show what a rebuild would give back'))
  .addOption(only('--sql', 'print the statements of what is missing, for psql, and change nothing'))
  .option('--json', 'print the result as JSON', false)
  .addHelpText(
    'after',
    `
Exit code: 0 when all is well; 1 when something could not be done, with a sentence; 130 when it was stopped.

Examples:
  npm run db:indexes
  npm run db:indexes -- --reindex idx_users_email
  npm run --silent db:indexes -- --sql | psql "$(npm run --silent db:url)"`,
  )
  .allowExcessArguments(false)
  .showHelpAfterError('Try: npm run db:indexes -- --help')
  .parse()
  .opts<Options>();

void runDatabaseCommand(async ({ ownerUrl }) => {
  const { reindex, analyze, bloat, sql, json } = options;
  if (reindex !== undefined) await rebuild(ownerUrl, reindex, json);
  else if (analyze !== undefined) await analyzeTables(ownerUrl, analyze === true ? undefined : analyze, json);
  else if (bloat === true) await showBloat(ownerUrl, json);
  else if (sql === true) await printSql(ownerUrl, json);
  else await applyMissing(ownerUrl, json);
});
