import type { Client } from 'pg';
import { ExplainedError } from '../../src/database/explained-error';
import type { CatalogueIndex } from '../../src/database/indexes/index-catalogue';
import { readLiveTables, withPartitions, type LiveIndex } from '../../src/database/indexes/live-indexes';
import { ask, modesOf, prepare, type Answer, type PlanMode } from './ask';
import type { Evidence } from './proof';
import { questionOf, typicalValues } from './question';
import { indexShapes, repeatedBy, type IndexShape } from './repeated-indexes';
import { writeCosts, type WriteCost } from './write-cost';

export interface ProofOptions {
  /** False looks at the plans with the index alone: no times, nothing without it, no costs of writing. */
  readonly measured: boolean;
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
  { measured, onProgress = () => undefined }: ProofOptions,
): Promise<Evidence[]> {
  const live = await liveIndexes(client);
  const shapes = await indexShapes(client);
  const found: Evidence[] = [];
  for (const index of indexes) {
    found.push(await askAbout(client, index, live.get(index.name), shapes, measured));
    onProgress(index);
  }
  if (!measured) return found;
  // Last of all, since it leaves dead rows where questions would stumble over them.
  const costs = await allWriteCosts(client, indexes, onProgress);
  return found.map((evidence) => ({ ...evidence, writeCost: costs.get(evidence.index.name) }));
}

async function allWriteCosts(
  client: Client,
  indexes: readonly CatalogueIndex[],
  onProgress: (index: CatalogueIndex) => void,
): Promise<ReadonlyMap<string, WriteCost>> {
  const byName = new Map(indexes.map((index) => [index.name, index]));
  const costs = new Map<string, WriteCost>();
  for (const table of new Set(indexes.map((index) => index.table))) {
    const names = indexes.filter((index) => index.table === table).map(({ name }) => name);
    const measured = await writeCosts(client, table, names, (name) => {
      const index = byName.get(name);
      if (index !== undefined) onProgress(index);
    });
    for (const [name, cost] of measured) costs.set(name, cost);
  }
  return costs;
}

async function askAbout(
  client: Client,
  index: CatalogueIndex,
  live: LiveIndex | undefined,
  shapes: readonly IndexShape[],
  measured: boolean,
): Promise<Evidence> {
  if (live === undefined)
    throw new ExplainedError(
      `${index.name} is declared, but no migration makes it and bench/filled-database does not fill ${index.table}: do either`,
    );
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
  const withIt = await askInItsModes(client, index, values, measured);
  if (!measured) return { ...evidence, withIt, without: new Map() };
  await client.query('BEGIN');
  try {
    await client.query(`DROP INDEX ${live.sql}`);
    return { ...evidence, withIt, without: await askInItsModes(client, index, values, true) };
  } finally {
    await client.query('ROLLBACK');
  }
}

async function askInItsModes(
  client: Client,
  index: CatalogueIndex,
  values: readonly string[],
  timed: boolean,
): Promise<Map<PlanMode, Answer>> {
  const answers = new Map<PlanMode, Answer>();
  for (const mode of modesOf(index)) answers.set(mode, await ask(client, values, mode, timed));
  return answers;
}

async function liveIndexes(client: Client): Promise<Map<string, LiveIndex>> {
  const tables = await readLiveTables(client);
  const indexes = tables.flatMap(withPartitions).flatMap((table) => table.indexes);
  return new Map(indexes.map((index) => [index.name, index]));
}

const namesOf = (index: LiveIndex): ReadonlySet<string> =>
  new Set([index.name, ...index.parts.flatMap((part) => [...namesOf(part)])]);
