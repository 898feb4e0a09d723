import { grantApplicationRights } from '../application-rights';
import { DatabaseNotUsable } from '../explained-error';
import { knownMigrations, targetNumber, type KnownMigration } from './known-migrations';
import { adopt, appliedMigrations, type AppliedMigration } from './migration-history';
import { withMigrationLock } from './migration-lock';
import { migrationStates, refuseChanged, refuseNewer, type MigrationStatus } from './migration-states';
import { asOwner, type Code, type OwnerSession } from './owner-session';
import { refuseLongLocks, SMALL_TABLE_ROWS } from './refuse-long-locks';
import {
  applyMigration,
  LOCK_PATIENCE,
  undoMigration,
  type LockPatience,
  type RunOptions,
} from './run-migration';

/** How far to go, who is told, and how patient to be. */
export interface MigrateOptions extends Pick<Code, 'migrations'> {
  /** The last migration that shall be applied afterwards: its number or name, 0 for none. */
  readonly to?: string | undefined;
  /** Called after each migration. */
  readonly onStep?: (title: string) => void;
  /** Called when a migration has to wait, with a sentence. */
  readonly onWait?: (sentence: string) => void;
  /** Tables with more rows are not locked for long. */
  readonly smallTableRows?: number;
  readonly lockPatience?: LockPatience;
  /** How long to wait for another process that migrates, in milliseconds. */
  readonly patienceMs?: number;
}

/**
 * Brings the schema up to date as its owner, once, however many processes start together, and gives the role
 * that the application works as exactly the rights it needs.
 * @returns the titles of the migrations that ran: `0003-ledger`
 * @throws DatabaseNotUsable with a sentence that names the mend: a database of a newer version, a migration that
 *   was changed or would lock a large table for long, an unknown target, a missing right or extension
 */
export async function migrate(
  ownerUrl: string,
  applicationUrl: string,
  options: MigrateOptions = {},
): Promise<string[]> {
  const run = async (session: OwnerSession, found: Survey): Promise<string[]> => {
    const { known, applied } = found;
    const pending = refuseOrFindPending(found, options.to);
    await refuseLongLocks(session.runner, pending, options.smallTableRows ?? SMALL_TABLE_ROWS);
    await adopt(session.runner, withoutChecksum(known, applied));
    for (const migration of pending) {
      await applyMigration(session, migration, runOptions(options));
      options.onStep?.(migration.title);
    }
    await grantRights(session, applicationUrl, applied.length + pending.length);
    return pending.map(({ title }) => title);
  };
  return asOwner(
    ownerUrl,
    async (session) => {
      const found = await survey(session);
      // Whoever has nothing to migrate need not wait for those that build indexes for hours.
      if (isUpToDate(found, options.to)) return run(session, found);
      return whileAlone(session, options, run);
    },
    options,
  );
}

function isUpToDate(found: Survey, to: string | undefined): boolean {
  const { known, applied } = found;
  return refuseOrFindPending(found, to).length === 0 && withoutChecksum(known, applied).length === 0;
}

function refuseOrFindPending({ known, states }: Survey, to: string | undefined): KnownMigration[] {
  refuseNewer(states);
  refuseChanged(states);
  return upTo(to, known, states);
}

/**
 * Takes migrations back, the last one first, and the data of what they made with them.
 * @param options without `to`, the last one alone
 * @returns the titles of those that were taken back
 * @throws DatabaseNotUsable as {@link migrate} does; a changed migration may be taken back
 */
export async function undoMigrations(ownerUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  const run = async (session: OwnerSession, { known, applied, states }: Survey): Promise<string[]> => {
    refuseNewer(states);
    const back = downTo(options.to, known, applied, states);
    if (back.length > 0) await adopt(session.runner, withoutChecksum(known, applied));
    for (const migration of back) {
      await undoMigration(session, migration, runOptions(options));
      options.onStep?.(migration.title);
    }
    return back.map(({ title }) => title);
  };
  return asOwner(ownerUrl, (session) => whileAlone(session, options, run), options);
}

/** Every migration and its state; changes nothing and waits for nobody. */
export async function migrationInfo(ownerUrl: string, code: Code = {}): Promise<MigrationStatus[]> {
  return asOwner(ownerUrl, async (session) => (await survey(session)).states, code);
}

const runOptions = ({
  lockPatience = LOCK_PATIENCE,
  onWait = () => undefined,
}: MigrateOptions): RunOptions => ({
  patience: lockPatience,
  onWait,
});

/**
 * For work that needs the schema of this very code.
 * @throws DatabaseNotUsable when a newer version has migrated the database, or something is pending
 */
export async function refuseOtherVersions(session: OwnerSession): Promise<void> {
  const { states } = await survey(session);
  refuseNewer(states);
  const pending = states.filter(({ state }) => state === 'pending').map(({ title }) => title);
  if (pending.length === 0) return;
  const named =
    pending.length > 3
      ? `${pending.slice(0, 3).join(', ')} and ${pending.length - 3} others`
      : pending.join(', ');
  throw new DatabaseNotUsable(
    `${named} ${pending.length === 1 ? 'is' : 'are'} not applied to this database: run npm run db:migrate first`,
  );
}

interface Survey {
  readonly known: readonly KnownMigration[];
  readonly applied: readonly AppliedMigration[];
  readonly states: readonly MigrationStatus[];
}

async function survey({ dataSource, runner }: OwnerSession): Promise<Survey & { states: MigrationStatus[] }> {
  const known = await knownMigrations(dataSource);
  const applied = await appliedMigrations(runner);
  return { known, applied, states: migrationStates(known, applied) };
}

function whileAlone<Result>(
  session: OwnerSession,
  { patienceMs, onWait }: MigrateOptions,
  work: (session: OwnerSession, found: Survey) => Promise<Result>,
): Promise<Result> {
  return withMigrationLock(session, async () => work(session, await survey(session)), { patienceMs, onWait });
}

/** The migrations that are to be applied, in order. */
function upTo(
  target: string | undefined,
  known: readonly KnownMigration[],
  states: readonly MigrationStatus[],
): KnownMigration[] {
  const last = target === undefined ? Infinity : targetNumber(known, target);
  const beyond = states.find(({ number, state }) => number > last && state !== 'pending');
  if (beyond !== undefined) {
    throw new DatabaseNotUsable(
      `${beyond.title}, which comes after ${target}, is applied already: npm run db:undo -- --to ${target} goes back to it`,
    );
  }
  const pending = new Set(states.filter(({ state }) => state === 'pending').map(({ number }) => number));
  return known.filter(({ number }) => number <= last && pending.has(number));
}

/** The migrations that are to be taken back, in order: the last one that was applied first. */
function downTo(
  target: string | undefined,
  known: readonly KnownMigration[],
  applied: readonly AppliedMigration[],
  states: readonly MigrationStatus[],
): KnownMigration[] {
  const newestFirst = applied
    .toReversed()
    .flatMap(({ name }) => known.filter((migration) => migration.name === name));
  if (target === undefined) return newestFirst.slice(0, 1);
  const last = targetNumber(known, target);
  if (states.some(({ number, state }) => number === last && state === 'pending')) {
    throw new DatabaseNotUsable(
      `${target} is not applied: npm run db:migrate -- --to ${target} applies what leads to it`,
    );
  }
  return newestFirst.filter(({ number }) => number > last);
}

function withoutChecksum(
  known: readonly KnownMigration[],
  applied: readonly AppliedMigration[],
): KnownMigration[] {
  return known.filter(({ name }) =>
    applied.some((record) => record.name === name && record.checksum === undefined),
  );
}

/** To an empty database (`--to 0`) there are no rights to give. */
async function grantRights(
  { dataSource }: OwnerSession,
  applicationUrl: string,
  migrations: number,
): Promise<void> {
  if (migrations === 0) return;
  await grantApplicationRights(dataSource, decodeURIComponent(new URL(applicationUrl).username));
}
