import { Argument, Command } from 'commander';
import { runDatabaseCommand } from '../../database/commands/run-command';
import type { Report, ReportQuery } from './report';
import { ReportDatabase } from './report-database';
import { reportQuery } from './report-query';
import { readReport, sourceOf } from './report-reader';
import { reportText } from './report-table';
import { reportNamed, REPORTS } from './reports';

interface Options {
  readonly limit?: string;
  readonly from?: string;
  readonly to?: string;
  readonly wide?: true;
  readonly json?: true;
}

const HELP = `
Reports:
${REPORTS.map(({ name, title }) => `  ${name.padEnd(20)} ${title}`).join('\n')}

Examples:
  npm run db:report -- slow-queries
  npm run db:report -- indexes/unused --json`;

const command = new Command('npm run db:report --')
  .description('Prints one report on the database; the server need not run.')
  .addArgument(new Argument('<report>', 'which').choices(REPORTS.map(({ name }) => name)))
  .option('--limit <rows>', 'no more rows than that')
  .option('--from <time>', 'of reports with a history: the beginning, such as 2026-11-01T00:00:00Z')
  .option('--to <time>', 'the end')
  .option('--wide', 'all columns, however narrow the terminal is')
  .option('--json', 'print what GET /api/admin/db/<report> answers')
  .addHelpText('after', HELP)
  .showHelpAfterError('Try: npm run db:report -- --help')
  .action(run)
  .parse();

function run(name: string, { json, wide, ...given }: Options): void {
  const report = reportNamed(name);
  if (report === undefined) return command.error(`There is no report ${name}`);
  const query = reportQuery.safeParse(given);
  if (!query.success) return command.error(query.error.issues.map(sentence).join('; '));
  if (report.hasHistory === undefined && (given.from ?? given.to) !== undefined)
    return command.error(`${name} has no history: leave --from and --to out`);
  const width = wide ? undefined : process.stdout.columns;
  void runDatabaseCommand(({ ownerUrl }) => print(ownerUrl, report, query.data, json === true, width));
}

async function print(
  ownerUrl: string,
  report: Report,
  query: ReportQuery,
  asJson: boolean,
  width: number | undefined,
): Promise<void> {
  const database = new ReportDatabase({ ownerUrl });
  try {
    const answer = await readReport(report, await sourceOf(database), query);
    process.stdout.write(asJson ? `${JSON.stringify(answer)}\n` : `${reportText(answer, width)}\n`);
  } finally {
    await database.onApplicationShutdown();
  }
}

const sentence = ({ path, message }: { path: PropertyKey[]; message: string }): string =>
  `--${path.map(String).join('.')} ${message}`;
