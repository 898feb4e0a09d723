import {
  applyIndexes,
  assertOurs,
  NotApplicable,
  pendingIndexes,
  reindex,
  type Pending,
} from '../indexes/apply-indexes';
import { measurable, measureBloat } from '../indexes/bloat';
import { indexCatalogue } from '../indexes/index-catalogue';
import { entityTables } from '../indexes/index-comparison';
import { readIndexStatistics } from '../indexes/index-statistics';
import { readLiveTables, withPartitions, type LiveTable } from '../indexes/live-indexes';
import { nearestNames } from '../indexes/nearest-names';
import { planReindex } from '../indexes/reindex';
import { refuseOtherVersions } from '../schema/migrate';
import { asOwner, type OwnerSession } from '../schema/owner-session';
import { CountBar } from './count-bar';
import { whileBuilding } from './interruptible-build';
import { formatBytes } from '../../common/figures';
import { bloatTable, statisticsTable, stepsAsSql } from './index-tables';

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));
const width = (): number | undefined => (process.stdout.isTTY ? process.stdout.columns : undefined);

/** Shows the statistics, builds what is missing, and shows what became of it. */
export async function applyMissing(ownerUrl: string, json: boolean): Promise<void> {
  await asOwner(ownerUrl, async (session) => {
    const { runner } = session;
    const catalogue = indexCatalogue();
    if (!json) print(await connection(session));
    await refuseOtherVersions(session);
    const pending = await pendingIndexes(runner, catalogue, ownerUrl);
    const before = await readIndexStatistics(runner, catalogue);
    const steps = stepsOf(pending);
    if (!json) print(`\n${statisticsTable(before, width())}\n`);
    const applied =
      steps.length === 0
        ? []
        : await whileBuilding(session, steps, (options) => applyIndexes(session, pending, options));
    const after = steps.length === 0 ? before : await readIndexStatistics(runner, catalogue);
    if (json) return printJson({ before, applied, after });
    if (steps.length > 0) print(`\n${statisticsTable(after, width())}\n`);
    print(outcome(catalogue.length, applied));
  });
}

const stepsOf = ({ indexes, leftovers }: Pending) => [...leftovers, ...indexes].flatMap(({ steps }) => steps);

function outcome(declared: number, applied: readonly string[]): string {
  if (applied.length === 0) return `All ${declared} declared indexes are there and serve`;
  const what = applied.length === 1 ? 'index was' : 'indexes were';
  return `${applied.length} of ${declared} declared ${what} built or mended: ${applied.join(', ')}`;
}

/** Prints what {@link applyMissing} would run. */
export async function printSql(ownerUrl: string, json: boolean): Promise<void> {
  await asOwner(ownerUrl, async (session) => {
    const { runner } = session;
    await refuseOtherVersions(session);
    const { indexes, leftovers } = await pendingIndexes(runner, indexCatalogue(), ownerUrl);
    const parts = [
      ...leftovers.map(({ table, steps }) => ({ index: `left behind on ${table}`, steps })),
      ...indexes.map(({ index, steps }) => ({ index: `${index.name}: ${index.serves}`, steps })),
    ];
    if (json) {
      const statements = parts.map(({ index, steps }) => ({ index, sql: stepsAsSql(steps) }));
      return printJson(statements);
    }
    print('-- For psql, outside a transaction: CONCURRENTLY cannot run inside one.');
    // What follows a build that failed would put the broken index into the place of the one that serves.
    print('\\set ON_ERROR_STOP on');
    for (const { index, steps } of parts) print(`\n-- ${index.replaceAll('\n', ' ')}\n${stepsAsSql(steps)}`);
    if (parts.length === 0) print('-- Nothing is missing.');
  });
}

/** Rebuilds an index, or all of a table. */
export async function rebuild(ownerUrl: string, name: string, json: boolean): Promise<void> {
  await asOwner(ownerUrl, async (session) => {
    const { runner } = session;
    const tables = await readLiveTables(runner);
    const { steps, skipped } = planReindex(tables, name);
    const touched = new Set(steps.map(({ table }) => table));
    assertOurs(onlyTables(tables, touched), ownerUrl);
    const sizes = () =>
      sizesOf(
        session,
        steps.map(({ index }) => index),
      );
    const before = await sizes();
    await whileBuilding(session, steps, (options) => reindex(session, steps, options));
    const after = await sizes();
    const rebuilt = steps.filter(({ action }) => action === 'reindex').map(({ index }) => index);
    if (json) return printJson({ rebuilt, skipped, bytesBefore: before, bytesAfter: after });
    for (const index of skipped)
      print(`${index} is left as it is: PostgreSQL cannot rebuild an exclusion constraint concurrently`);
    print(
      `${rebuilt.length} ${rebuilt.length === 1 ? 'index' : 'indexes'} rebuilt, ${formatBytes(before)} before and ${formatBytes(after)} after: ${rebuilt.join(', ')}`,
    );
  });
}

async function sizesOf({ runner }: OwnerSession, names: readonly string[]): Promise<number> {
  const tables = (await readLiveTables(runner)).flatMap(withPartitions);
  return tables
    .flatMap(({ indexes }) => indexes)
    .filter(({ name }) => names.includes(name))
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

const onlyTables = (tables: readonly LiveTable[], names: ReadonlySet<string>): LiveTable[] =>
  tables.flatMap(withPartitions).filter(({ name }) => names.has(name));

/** Renews the planner's statistics of one table, or of those of all entities. */
export async function analyzeTables(
  ownerUrl: string,
  name: string | undefined,
  json: boolean,
): Promise<void> {
  await asOwner(ownerUrl, async ({ runner }) => {
    const all = await readLiveTables(runner, name === undefined ? entityTables() : undefined);
    const known = all.flatMap(withPartitions);
    const chosen = name === undefined ? all : known.filter((table) => table.name === name);
    if (chosen.length === 0)
      throw new NotApplicable(
        name === undefined
          ? 'The database has no tables yet: make them with npm run db:migrate'
          : `There is no table ${JSON.stringify(name.slice(0, 63))}: ${nearestNames(name, known)}`,
      );
    assertOurs(chosen, ownerUrl);
    const bar = new CountBar(process.stderr, 'Analysing', chosen.length);
    try {
      for (const table of chosen) {
        await runner.query(`ANALYZE ${table.sql}`);
        bar.advance();
      }
    } finally {
      bar.end();
    }
    const analyzed = chosen.map((table) => table.name);
    if (json) printJson({ analyzed });
    else
      print(
        `Statistics of ${analyzed.length} ${analyzed.length === 1 ? 'table' : 'tables'} are new: ${analyzed.join(', ')}`,
      );
  });
}

/** Shows what a rebuild would give back. */
export async function showBloat(ownerUrl: string, json: boolean): Promise<void> {
  await asOwner(ownerUrl, async ({ runner }) => {
    const tables = await readLiveTables(runner, entityTables());
    const bar = new CountBar(process.stderr, 'Measuring', measurable(tables));
    try {
      const report = await measureBloat(runner, tables, () => bar.advance());
      bar.end();
      if (json) return printJson(report);
      print(bloatTable(report));
      print(
        report.method === 'exact'
          ? 'Exact: pgstattuple read every page. Rebuild with npm run db:indexes -- --reindex NAME'
          : 'An estimate from statistics, since this role may not use pgstattuple: a superuser can install it with CREATE EXTENSION pgstattuple and GRANT pg_stat_scan_tables to the owner',
      );
    } finally {
      bar.end();
    }
  });
}

/** Where this leads: the server, the database and the role. */
async function connection({ runner }: OwnerSession): Promise<string> {
  const [row] = (await runner.query(
    `SELECT current_setting('server_version') AS version, current_database() AS database, current_user AS role`,
  )) as { version: string; database: string; role: string }[];
  return `Connected to PostgreSQL ${row?.version}, database ${row?.database}, as ${row?.role}`;
}
