import type { Client } from 'pg';
import type { CatalogueIndex } from '../../src/database/indexes/index-catalogue';
import { readLiveTables, withPartitions, type LiveIndex } from '../../src/database/indexes/live-indexes';
import { ask, PLAN_MODES, prepare, type Answer, type PlanMode } from './ask';
import type { Evidence } from './proof';
import { questionOf, typicalValues } from './question';
import { indexShapes, repeatedBy, type IndexShape } from './repeated-indexes';
import { writeCost } from './write-cost';

export interface ProofOptions {
  /** False looks at plans and pages alone: no times, no costs of writing. */
  readonly timed: boolean;
  /** Called when an index has been asked about, and again when its cost has been measured. */
  readonly onProgress?: (index: CatalogueIndex) => void;
}

/**
 * Asks every index's own question, with all other indexes in place and with the index dropped in a transaction that is
 * rolled back, on tables and on partitioned ones alike.
 * @param client of the database's owner; nobody else may work in it
 */
export async function gatherEvidence(
  client: Client,
  indexes: readonly CatalogueIndex[],
  { timed, onProgress = () => undefined }: ProofOptions,
): Promise<Evidence[]> {
  const live = await liveIndexes(client);
  const shapes = await indexShapes(client);
  const found: Evidence[] = [];
  for (const index of indexes) {
    found.push(await askAbout(client, index, live.get(index.name), shapes, timed));
    onProgress(index);
  }
  if (!timed) return found;
  // Last of all, since it leaves dead rows where questions would stumble over them.
  const measured: Evidence[] = [];
  for (const evidence of found) {
    const { index } = evidence;
    measured.push({ ...evidence, writeCost: await writeCost(client, index.name, index.table) });
    onProgress(index);
  }
  return measured;
}

async function askAbout(
  client: Client,
  index: CatalogueIndex,
  live: LiveIndex | undefined,
  shapes: readonly IndexShape[],
  timed: boolean,
): Promise<Evidence> {
  if (live === undefined) throw new Error(`The database has no index ${index.name}: migrate it first`);
  const question = questionOf(index);
  const values = await typicalValues(client, index, question.columns);
  const shape = shapes.find(({ name }) => name === index.name);
  const evidence = {
    index,
    names: namesOf(live),
    values,
    repeatedBy: shape === undefined ? undefined : repeatedBy(shape, shapes)?.name,
    size: live.bytes,
    writeCost: undefined,
  };
  if (values === undefined) return { ...evidence, withIt: new Map(), without: new Map() };
  await prepare(client, question);
  const withIt = await askInBothModes(client, values, timed);
  await client.query('BEGIN');
  try {
    await client.query(`DROP INDEX ${live.sql}`);
    return { ...evidence, withIt, without: await askInBothModes(client, values, timed) };
  } finally {
    await client.query('ROLLBACK');
  }
}

async function askInBothModes(
  client: Client,
  values: readonly string[],
  timed: boolean,
): Promise<Map<PlanMode, Answer>> {
  const answers = new Map<PlanMode, Answer>();
  for (const mode of PLAN_MODES) answers.set(mode, await ask(client, values, mode, timed));
  return answers;
}

async function liveIndexes(client: Client): Promise<Map<string, LiveIndex>> {
  const tables = await readLiveTables(client);
  const indexes = tables.flatMap(withPartitions).flatMap((table) => table.indexes);
  return new Map(indexes.map((index) => [index.name, index]));
}

const namesOf = (index: LiveIndex): ReadonlySet<string> =>
  new Set([index.name, ...index.parts.flatMap((part) => [...namesOf(part)])]);
