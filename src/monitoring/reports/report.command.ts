import { Argument, Command, InvalidArgumentError } from 'commander';
import { runDatabaseCommand } from '../../database/commands/run-command';
import { ReportDatabase } from './report-database';
import { reportQuery } from './report-query';
import { readReport, sourceOf } from './report-reader';
import { reportText } from './report-table';
import { reportNamed, REPORTS } from './reports';

interface Options {
  readonly limit?: string;
  readonly from?: string;
  readonly to?: string;
  readonly json?: true;
}

const HELP = `
Reports:
${REPORTS.map(({ name, title }) => `  ${name.padEnd(20)} ${title}`).join('\n')}

Examples:
  npm run db:report -- slow-queries
  npm run db:report -- indexes/unused --json`;

new Command('npm run db:report --')
  .description('Prints one report on the database; the server need not run.')
  .addArgument(new Argument('<report>', 'which').choices(REPORTS.map(({ name }) => name)))
  .option('--limit <rows>', 'no more rows than that')
  .option('--from <time>', 'of reports with a history: the beginning, such as 2026-11-01T00:00:00Z')
  .option('--to <time>', 'the end')
  .option('--json', 'print what GET /api/admin/db/<report> answers')
  .addHelpText('after', HELP)
  .showHelpAfterError('Try: npm run db:report -- --help')
  .action(print)
  .parse();

function print(name: string, { json, ...given }: Options): void {
  const query = reportQuery.safeParse(given);
  if (!query.success) throw new InvalidArgumentError(query.error.issues.map(sentence).join('; '));
  void runDatabaseCommand(async ({ ownerUrl }) => {
    const database = new ReportDatabase({ ownerUrl });
    try {
      const report = reportNamed(name);
      if (report === undefined) throw new InvalidArgumentError(`there is no report ${name}`);
      const answer = await readReport(report, await sourceOf(database), query.data);
      process.stdout.write(json ? `${JSON.stringify(answer)}\n` : `${reportText(answer)}\n`);
    } finally {
      await database.onApplicationShutdown();
    }
  });
}

const sentence = ({ path, message }: { path: PropertyKey[]; message: string }): string =>
  `--${path.map(String).join('.')} ${message}`;
