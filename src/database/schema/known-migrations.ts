import { DataSource, Migration, type MigrationInterface } from 'typeorm';
import { DatabaseNotUsable } from '../explained-error';
import { loadMigrations } from './migration-files';
import { checksumOf, recordedStatements } from './recorded-statements';

/** What a migration of this code may say of itself beside TypeORM's own `transaction`. */
export interface MigrationNotes extends MigrationInterface {
  /** Why a long lock on a large table is acceptable here; lets it pass the lock check. */
  readonly longLock?: string;
}

/** A migration of this code. */
export interface KnownMigration {
  /** The name of its class, which the table `migrations` keeps: `Ledger1795305600003`. */
  readonly name: string;
  /** The name of its file: `0003-ledger`. */
  readonly title: string;
  /** Its place in the order of all: the last four digits of the name. */
  readonly number: number;
  /** Whether it runs in a transaction of its own. */
  readonly transactional: boolean;
  readonly longLock: string | undefined;
  /** What it sends to a database that answers nothing; see `recordedStatements`. */
  readonly statements: readonly string[];
  readonly checksum: string;
  /** As TypeORM's executor takes it. */
  readonly migration: Migration;
}

const NAME = /^(?<words>.+?)(?<timestamp>\d{13})$/;
const NUMBERS = 10_000;

/** The migrations of this code in their order. The data source is initialised; nothing is sent to it. */
export async function knownMigrations(dataSource: DataSource): Promise<KnownMigration[]> {
  const known = await Promise.all(dataSource.migrations.map((instance) => describe(dataSource, instance)));
  return known.sort((a, b) => a.migration.timestamp - b.migration.timestamp);
}

/** The same without a database: nothing is connected to. */
export async function migrationsOfCode(): Promise<KnownMigration[]> {
  const dataSource = new DataSource({ type: 'postgres' });
  dataSource.migrations.push(...(await loadMigrations()));
  return knownMigrations(dataSource);
}

async function describe(dataSource: DataSource, instance: MigrationNotes): Promise<KnownMigration> {
  const name = instance.name ?? instance.constructor.name;
  const timestamp = Number(NAME.exec(name)?.groups?.['timestamp']);
  if (Number.isNaN(timestamp)) {
    throw new Error(`The migration ${name} has no number: let the name of its class end in 13 digits`);
  }
  const statements = await recordedStatements(dataSource, instance);
  return {
    name,
    title: titleOf(name),
    number: numberOf(name),
    transactional: instance.transaction ?? true,
    longLock: instance.longLock,
    statements,
    checksum: checksumOf(statements),
    migration: new Migration(undefined, timestamp, name, instance),
  };
}

/** The number of a migration, also of one that this code does not know. */
export function numberOf(name: string): number {
  return Number(NAME.exec(name)?.groups?.['timestamp'] ?? 0) % NUMBERS;
}

/** What people call a migration, also one that this code does not know: `0003-ledger`. */
export function titleOf(name: string): string {
  const words = NAME.exec(name)?.groups?.['words'] ?? name;
  const kebab = words.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
  return `${String(numberOf(name)).padStart(4, '0')}-${kebab}`;
}

/**
 * The number of the migration that somebody named as a target: `3`, `0003`, `ledger`, `0003-ledger` or the name of
 * its class; 0 is the empty database.
 * @throws DatabaseNotUsable listing what there is
 */
export function targetNumber(known: readonly KnownMigration[], target: string): number {
  const wanted = target.trim().toLowerCase();
  if (/^0+$/.test(wanted)) return 0;
  const found = known.find(
    ({ name, title, number }) =>
      [name.toLowerCase(), title, title.slice(5)].includes(wanted) ||
      (/^\d{1,4}$/.test(wanted) && Number(wanted) === number),
  );
  if (found !== undefined) return found.number;
  throw new DatabaseNotUsable(
    `There is no migration ${JSON.stringify(target.slice(0, 80))}: name one of ${known.map(({ title }) => title).join(', ')}, its number alone, or 0 for the empty database`,
  );
}
