import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseUrls } from '../database.module';
import { entityFiles } from '../entities';
import { ExplainedError } from '../explained-error';
import { indexCatalogue } from '../indexes/index-catalogue';
import { compareIndexes } from '../indexes/index-comparison';
import { concernsEnums, synchronizingStatements } from './column-differences';
import { constraintDifferences } from './constraint-differences';
import { fileName, fileText, statementsOf, type Draft } from './draft-file';
import { livingTableSteps, onlyExtended, schemaSteps, type CodeAndSchema } from './draft-steps';
import { knownMigrations } from './known-migrations';
import { longLocks } from './lock-check';
import { migrate } from './migrate';
import { objectDifferences } from './object-differences';
import { asOwner, type Code, type OwnerSession } from './owner-session';
import type { SchemaDifference } from './schema-difference';
import { inThrowAwayDatabase } from './throw-away-database';

/** What was drafted. */
export interface Drafted {
  /** Paths of the files that were written; none when the migrations lead to what the code says. */
  readonly files: readonly string[];
  /** What to look at before the draft is applied, as sentences. */
  readonly notes: readonly string[];
}

/** What is to be drafted, and where. */
export interface DraftOptions extends Code {
  /** Lower-case words with hyphens: `notes-of-meters`. */
  readonly name: string;
  /** The folder of the migrations. */
  readonly folder: string;
}

const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const LONGEST_NAME = 60;
const SHOWN = 120;

/**
 * Drafts what leads from the migrations there are to what entities and catalogue say: one file for tables, columns
 * and constraints, in a transaction, and one for what must not keep writers of living tables out. They are drafts:
 * TypeORM drops a column and adds it again to change its type, and knows no partitions.
 * @throws ExplainedError when the name is no name of a migration, or the folder cannot be written
 */
export async function draftMigrations(
  urls: DatabaseUrls,
  { name, folder, entities = entityFiles(), migrations }: DraftOptions,
  signal?: AbortSignal,
): Promise<Drafted> {
  if (!NAME.test(name) || name.length > LONGEST_NAME) {
    throw new ExplainedError(
      `${JSON.stringify(name)} is no name of a migration: use up to ${LONGEST_NAME} lower-case letters, digits and hyphens, such as notes-of-meters`,
    );
  }
  const { drafts, notes } = await inThrowAwayDatabase(
    urls,
    async (place) => {
      await migrate(place.ownerUrl, place.applicationUrl, { migrations });
      return asOwner(place.ownerUrl, (session) => draft(session, name), { entities, migrations });
    },
    signal,
  );
  const files: string[] = [];
  for (const migration of drafts) files.push(await write(folder, migration));
  return { files, notes };
}

async function write(folder: string, migration: Draft): Promise<string> {
  const path = join(folder, fileName(migration));
  try {
    await writeFile(path, fileText(migration), { flag: 'wx' });
  } catch (error) {
    throw new ExplainedError(`${path} cannot be written (${(error as Error).message}): nothing was lost`, {
      cause: error,
    });
  }
  return path;
}

async function draft(session: OwnerSession, name: string): Promise<{ drafts: Draft[]; notes: string[] }> {
  const { dataSource, runner } = session;
  const last = (await knownMigrations(dataSource)).at(-1)?.number ?? 0;
  const objects = await objectDifferences(dataSource, runner);
  const tables = dataSource.entityMetadatas.map(({ tableName }) => tableName);
  const catalogue = indexCatalogue().filter(({ table }) => tables.includes(table));
  const differences: CodeAndSchema = {
    schema: await synchronizingStatements(dataSource),
    enums: objects.enums,
    concernsEnum: concernsEnums(dataSource, onlyExtended(objects.enums)),
    constraints: (await constraintDifferences(dataSource, runner, objects.tables)).differences,
    indexes: await compareIndexes(runner, catalogue, tables),
    catalogue,
    isNew: (table) => !objects.tables.has(table),
  };
  const parts = [
    { name, transactional: true, ...schemaSteps(differences) },
    { name: `${name}-on-living-tables`, transactional: false, ...livingTableSteps(differences) },
  ].filter(({ up, down }) => up.length + down.length > 0);
  const drafts = parts.map((part, place) => ({
    ...part,
    name: parts.length === 1 ? name : part.name,
    number: last + 1 + place,
  }));
  return { drafts, notes: [...objects.differences.flatMap(noteOnTable), ...drafts.flatMap(notesOn)] };
}

function noteOnTable({ kind, message }: SchemaDifference): string[] {
  return kind === 'table' ? [`${message}: where it shall go, drop it in the draft by hand`] : [];
}

function notesOn(migration: Draft): string[] {
  const file = fileName(migration);
  const locks = longLocks(statementsOf(migration), migration.transactional).map(
    ({ statement, why, instead }) =>
      `${file}: "${statement.slice(0, SHOWN)}" ${why}: use ${instead}, or say on the class why that is acceptable (readonly longLock = '…')`,
  );
  const says = (pattern: RegExp): boolean => statementsOf(migration).some((text) => pattern.test(text));
  return [
    ...locks,
    ...(says(/ DROP COLUMN /) ? [`${file} drops a column with what is in it: is that meant?`] : []),
    ...(says(/^ALTER TYPE .* ADD VALUE /)
      ? [`${file}: an enum loses no values, so see to it that down() makes the type and what uses it anew`]
      : []),
  ];
}
