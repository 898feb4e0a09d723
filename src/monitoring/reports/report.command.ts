import { Argument, Command } from 'commander';
import { NotFound } from '../../common/domain-error';
import { CommandRefused, runDatabaseCommand } from '../../database/commands/run-command';
import { readQuery } from './query-detail';
import { queryText } from './query-text';
import { ReportDatabase } from './report-database';
import { MOST_ROWS, queryId, reportQuery, spanQuery } from './report-query';
import { readReport, sourceOf } from './report-reader';
import type { ReportSource } from './report-source';
import { reportText } from './report-table';
import { reportList, reportNamed, REPORTS } from './reports';

interface Options {
  readonly limit?: string;
  readonly from?: string;
  readonly to?: string;
  readonly wide?: true;
  readonly json?: true;
}

/** An answer, and how it reads as text. */
interface Printed {
  readonly json: unknown;
  readonly text: (width: number | undefined) => string;
}

const QUERIES = 'queries';
const LIST = [
  ...REPORTS.map(({ name, title }) => `  ${name.padEnd(20)} ${title}`),
  `  ${`${QUERIES} <id>`.padEnd(20)} One statement by its id, as slow-queries shows it: figures, history, plan`,
].join('\n');

const HELP = `
Reports:
${LIST}

Examples:
  npm run db:report -- slow-queries
  npm run db:report -- queries -5023149213405122041
  npm run db:report -- indexes/unused --json`;

const command = new Command('npm run db:report --')
  .description(
    'Prints one report on the database, or without a name which there are; the server need not run.',
  )
  .addArgument(new Argument('[report]', 'which').choices([...REPORTS.map(({ name }) => name), QUERIES]))
  .argument('[id]', `of ${QUERIES}: the id of a statement`)
  .option('--limit <rows>', `no more rows than that, at most ${MOST_ROWS}`)
  .option('--from <time>', 'of reports with a history: the beginning, such as 2026-11-01T00:00:00Z')
  .option('--to <time>', 'the end')
  .option('--wide', 'all columns, however narrow the terminal is')
  .option('--json', 'print what GET /api/admin/db/<report> answers')
  .addHelpText('after', HELP)
  .showHelpAfterError('Try: npm run db:report -- --help')
  .action(run);

function run(name: string | undefined, id: string | undefined, options: Options): void {
  if (name === undefined) return print({ json: reportList(), text: () => LIST }, options);
  const read = name === QUERIES ? readingOfQuery(id, options) : readingOfReport(name, id, options);
  void runDatabaseCommand(async ({ ownerUrl }) => {
    const database = new ReportDatabase({ ownerUrl });
    try {
      print(await read(await sourceOf(database)), options);
    } finally {
      await database.onApplicationShutdown();
    }
  });
}

type Reading = (source: ReportSource) => Promise<Printed>;

function readingOfReport(name: string, id: string | undefined, { limit, from, to }: Options): Reading {
  const report = reportNamed(name);
  if (report === undefined) return command.error(`There is no report ${name}`);
  if (id !== undefined) return command.error(`${name} takes no ${id}: ${QUERIES} takes an id`);
  const query = reportQuery.safeParse({ limit, from, to });
  if (!query.success) return command.error(query.error.issues.map(sentence).join('; '));
  return async (source) => {
    const answer = await readReport(report, source, query.data);
    return { json: answer, text: (width) => reportText(answer, width) };
  };
}

function readingOfQuery(given: string | undefined, { limit, from, to }: Options): Reading {
  if (limit !== undefined) return command.error(`${QUERIES} has no rows to limit: leave --limit out`);
  const id = queryId.safeParse(given ?? '');
  if (!id.success) return command.error(`The id ${id.error.issues[0]?.message}`);
  const span = spanQuery.safeParse({ from, to });
  if (!span.success) return command.error(span.error.issues.map(sentence).join('; '));
  return async (source) => {
    const answer = await readQuery(source, id.data, span.data).catch((error: unknown) => {
      if (!(error instanceof NotFound)) throw error;
      throw new CommandRefused(
        `There is no statement ${id.data} in this database, or it is forgotten: npm run db:report -- slow-queries shows the ids`,
      );
    });
    return { json: answer, text: (width) => queryText(answer, width) };
  };
}

function print({ json, text }: Printed, options: Options): void {
  const width = options.wide ? undefined : process.stdout.columns;
  process.stdout.write(options.json ? `${JSON.stringify(json)}\n` : `${text(width)}\n`);
}

const sentence = ({ path, message }: { path: PropertyKey[]; message: string }): string =>
  `--${path.map(String).join('.')} ${message}`;

command.parse();
