import { Command, InvalidArgumentError, Option } from 'commander';
import { Client } from 'pg';
import { explain, ExplainedError } from '../src/database/explained-error';
import { indexCatalogue, type CatalogueIndex } from '../src/database/indexes/index-catalogue';
import { migrate } from '../src/database/schema/migrate';
import { fill } from './filled-database/fill';
import { FILLED_TABLES, type FilledTable } from './filled-database/tables';
import { objections, type Evidence } from './proof/proof';
import { gatherEvidence } from './proof/prove';
import { jsonOf, reportOf, type Setting } from './proof/report';
import { progressOn, type Progress } from './progress';
import { POSTGRES_VERSIONS, startThrowAwayCluster, type PostgresVersion } from './throw-away-cluster';

interface Options {
  readonly readings: number;
  readonly others: number;
  readonly postgres: PostgresVersion;
  readonly only?: string;
  readonly json: boolean;
}

const DESCRIPTION = [
  'Proves that every declared index earns its place.',
  'Fills a throw-away PostgreSQL with a market as it is after a year, asks each index its own question with and ' +
    'without it, and prints what both took.',
].join('\n\n');

const HELP = `
An index is proven when PostgreSQL takes it for its question with all others in place, be the
statement planned for its values or for any; when it saves at least half of the pages that are read
without it; and when no other index begins with the same keys.

Exit code: 0 when all are proven; 1 when one is not, with the reason and both plans.

Examples:
  npm run indexes:prove
  npm run indexes:prove -- --readings 100000 --others 50000
  npm run indexes:prove -- --only meters
  npm run indexes:prove -- --only idx_users_email --json`;

const command = new Command('npm run indexes:prove --')
  .description(DESCRIPTION)
  .option('--readings <n>', 'rows of meter_readings', rows, 1_000_000)
  .option('--others <n>', 'rows of the other large tables', rows, 200_000)
  .addOption(
    new Option(
      '--postgres <version>',
      `one of ${POSTGRES_VERSIONS.join(', ')}: the embedded one, or the oldest that is supported (Debian: postgresql-15)`,
    )
      .default(18)
      .argParser(postgresVersion),
  )
  .option('--only <name>', 'prove this index alone, or those of this table, and fill no more than it takes')
  .option('--json', 'print the result as JSON', false)
  .addHelpText('after', HELP)
  .showHelpAfterError('Try: npm run indexes:prove -- --help')
  .action(run);

command.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});

async function run(options: Options): Promise<void> {
  const indexes = indexesToProve(options.only);
  const progress = progressOn(process.stderr);
  const cluster = await startThrowAwayCluster(options.postgres, (sentence) =>
    process.stderr.write(`${sentence}\n`),
  );
  try {
    await migrate(cluster.ownerUrl, cluster.applicationUrl);
    const { readings, others } = options;
    const sizes = { readings, others, ...(options.only !== undefined && { only: tablesOf(indexes) }) };
    await fill(cluster.ownerUrl, sizes, (what, done, total) => progress.show(what, done, 2 * total));
    const result = await onClient(cluster.ownerUrl, (client) => prove(client, indexes, options, progress));
    progress.end();
    print(result, options.json);
  } finally {
    progress.end();
    await cluster.remove();
  }
}

interface Result {
  readonly evidence: readonly Evidence[];
  readonly setting: Setting;
}

async function prove(
  client: Client,
  indexes: readonly CatalogueIndex[],
  { readings, others, only }: Options,
  progress: Progress,
): Promise<Result> {
  const steps = 2 * indexes.length;
  let done = 0;
  // The first half of the bar was the filling.
  const evidence = await gatherEvidence(client, indexes, {
    measured: true,
    onProgress: ({ name }) => progress.show(`asked about ${name}`, steps + ++done, 2 * steps),
  });
  const { rows } = await client.query<{ version: string }>(
    `SELECT 'PostgreSQL ' || current_setting('server_version') AS version`,
  );
  const sizes = only === undefined ? { readings, others } : undefined;
  return { evidence, setting: { postgres: rows[0]?.version ?? '', sizes } };
}

function print({ evidence, setting }: Result, json: boolean): void {
  const text = json ? JSON.stringify(jsonOf(evidence, setting), null, 2) : reportOf(evidence, setting);
  process.stdout.write(`${text}\n`);
  if (evidence.some((one) => objections(one).length > 0)) process.exitCode = 1;
}

/** @throws ExplainedError when there is none of that name */
function indexesToProve(only: string | undefined): readonly CatalogueIndex[] {
  const catalogue = indexCatalogue();
  if (only === undefined) return catalogue;
  const wanted = catalogue.filter(({ name, table }) => [name, table].includes(only));
  if (wanted.length > 0) return wanted;
  throw new ExplainedError(
    `No entity declares an index ${only}, or one on a table ${only}: npm run indexes:prove without --only lists all`,
  );
}

const tablesOf = (indexes: readonly CatalogueIndex[]): readonly FilledTable[] =>
  FILLED_TABLES.filter((filled) => indexes.some(({ table }) => table === filled));

async function onClient<Result>(url: string, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function postgresVersion(text: string): (typeof POSTGRES_VERSIONS)[number] {
  const version = POSTGRES_VERSIONS.find((known) => String(known) === text);
  if (version === undefined)
    throw new InvalidArgumentError(`It must be one of ${POSTGRES_VERSIONS.join(', ')}.`);
  return version;
}

function rows(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number of rows, such as 200000.');
}
