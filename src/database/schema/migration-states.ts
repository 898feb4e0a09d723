import { DatabaseNotUsable } from '../explained-error';
import { numberOf, titleOf, type KnownMigration } from './known-migrations';
import type { AppliedMigration } from './migration-history';

/**
 * `changed`: what it does is no longer what was applied. `unknown`: a newer version applied it, this code does
 * not have it.
 */
export type MigrationState = 'applied' | 'pending' | 'changed' | 'unknown';

/** A migration, as this code and this database together know it. */
export interface MigrationStatus {
  readonly number: number;
  readonly title: string;
  readonly state: MigrationState;
  readonly appliedAt: Date | undefined;
  readonly durationMs: number | undefined;
}

/** All migrations by number, those of this code and those of the database. */
export function migrationStates(
  known: readonly KnownMigration[],
  applied: readonly AppliedMigration[],
): MigrationStatus[] {
  const unknown = applied.filter(({ name }) => !known.some((migration) => migration.name === name));
  const states = [
    ...known.map((migration) => ofKnown(migration, applied)),
    ...unknown.map((record) => ({
      number: numberOf(record.name),
      title: titleOf(record.name),
      state: 'unknown' as const,
      appliedAt: record.appliedAt,
      durationMs: record.durationMs,
    })),
  ];
  return states.sort((a, b) => a.number - b.number);
}

function ofKnown(
  { name, number, title, checksum }: KnownMigration,
  applied: readonly AppliedMigration[],
): MigrationStatus {
  const record = applied.find((candidate) => candidate.name === name);
  if (record === undefined) {
    return { number, title, state: 'pending', appliedAt: undefined, durationMs: undefined };
  }
  const { appliedAt, durationMs } = record;
  const state = (record.checksum ?? checksum) === checksum ? 'applied' : 'changed';
  return { number, title, state, appliedAt, durationMs };
}

/**
 * Refuses a database that a newer version has migrated.
 * @throws DatabaseNotUsable
 */
export function refuseNewer(states: readonly MigrationStatus[]): void {
  const unknown = titlesOf(states, 'unknown');
  if (unknown.length === 0) return;
  const last = states.findLast(({ state }) => state === 'applied' || state === 'changed');
  throw new DatabaseNotUsable(
    `A newer version of GridTokenX has migrated this database (${unknown.join(', ')}): start that version, or take its migrations back with it by npm run db:undo -- --to ${last?.title ?? '0'}`,
  );
}

/**
 * Refuses to go on from migrations that are not what was applied.
 * @throws DatabaseNotUsable
 */
export function refuseChanged(states: readonly MigrationStatus[]): void {
  const changed = titlesOf(states, 'changed');
  if (changed.length === 0) return;
  throw new DatabaseNotUsable(
    `${changed.join(', ')} ${changed.length === 1 ? 'is' : 'are'} no longer what was applied to this database: put the file back as it was and make the change in a new migration (npm run db:generate)`,
  );
}

function titlesOf(states: readonly MigrationStatus[], wanted: MigrationState): string[] {
  return states.filter(({ state }) => state === wanted).map(({ title }) => title);
}
