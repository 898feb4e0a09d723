import { ExplainedError } from '../explained-error';
import { withMigrationLock } from '../schema/migration-lock';
import type { OwnerSession } from '../schema/owner-session';
import { canonicalForms } from './canonical-form';
import { carryOut, runOnce } from './carry-out';
import { replaceIndex } from './index-builder';
import type { CatalogueIndex } from './index-catalogue';
import { inSql } from './index-in-sql';
import { planReplacement } from './index-plan';
import type { Step } from './index-step';
import { readLiveTables, withPartitions, type LiveTable } from './live-indexes';
import { planLeftovers } from './reindex';
import type { BuildEvent, BuildOptions } from './run-step';
import type { StatementRunner } from './statement-runner';

/** The declared indexes cannot be applied to this database; the message says what to do first. */
export class NotApplicable extends ExplainedError {}

/** A declared index that the database lacks, or has in another form or unfinished, and the steps to it. */
export interface PendingIndex {
  readonly index: CatalogueIndex;
  readonly steps: readonly Step[];
}

/** What is left to do in a database. */
export interface Pending {
  readonly indexes: readonly PendingIndex[];
  /** What broken rebuilds left behind, by table. */
  readonly leftovers: readonly { readonly table: string; readonly steps: readonly Step[] }[];
}

/**
 * What a database lacks of the declared indexes; changes nothing.
 * @throws NotApplicable when its tables are not those of this version, or not this role's
 */
export async function pendingIndexes(
  runner: StatementRunner,
  catalogue: readonly CatalogueIndex[],
  ownerUrl: string,
): Promise<Pending> {
  const tables = await tablesOf(runner, catalogue);
  assertOurs([...tables.values()], ownerUrl);
  const forms = await canonicalForms(runner, catalogue.map(inSql));
  const indexes = catalogue.flatMap((index): PendingIndex[] => {
    const table = tables.get(index.table);
    const canonical = forms.get(index.name);
    if (table === undefined || canonical === undefined) return [];
    if ('impossible' in canonical)
      throw new NotApplicable(
        `${index.name} cannot be made on ${index.table} (${canonical.impossible}): the database is of another version, bring it up to date first with npm run db:migrate`,
      );
    const steps = planReplacement(inSql(index), canonical.form, table);
    return steps.length === 0 ? [] : [{ index, steps }];
  });
  const leftovers = [...tables.values()]
    .map((table) => ({ table: table.name, steps: planLeftovers([table]) }))
    .filter(({ steps }) => steps.length > 0);
  return { indexes, leftovers };
}

async function tablesOf(
  runner: StatementRunner,
  catalogue: readonly CatalogueIndex[],
): Promise<Map<string, LiveTable>> {
  const names = [...new Set(catalogue.map(({ table }) => table))];
  const tables = new Map((await readLiveTables(runner, names)).map((table) => [table.name, table]));
  const missing = names.filter((name) => !tables.has(name));
  if (missing.length > 0)
    throw new NotApplicable(
      `The database has no ${missing.length > 3 ? `tables ${missing.slice(0, 3).join(', ')} and ${missing.length - 3} others` : missing.join(', ')}: bring it up to date first with npm run db:migrate`,
    );
  return tables;
}

/**
 * Refuses before anything is begun what the role of this session may not change.
 * @throws NotApplicable
 */
export function assertOurs(tables: readonly LiveTable[], ownerUrl: string): void {
  const foreign = tables.flatMap(withPartitions).find(({ ours }) => !ours);
  if (foreign === undefined) return;
  const role = decodeURIComponent(new URL(ownerUrl).username);
  throw new NotApplicable(
    `The role ${role} does not own ${foreign.name} and may not change its indexes: let DATABASE_MIGRATION_URL name the role that owns the tables`,
  );
}

/**
 * Builds what is pending, each index while no other process migrates: between two of them others get their turn, and
 * what they did meanwhile is not done again.
 * @returns the names of the indexes at which something was done
 */
export async function applyIndexes(
  session: OwnerSession,
  { indexes, leftovers }: Pending,
  options: BuildOptions,
): Promise<string[]> {
  const { runner } = session;
  for (const { table } of leftovers) {
    const plan = (live: LiveTable): Step[] => planLeftovers([live]);
    await inTurn(session, options, () => carryOut(runner, table, plan, options, []));
  }
  const applied = new Set<string>();
  for (const { index } of indexes) {
    const onProgress = (event: BuildEvent): void => {
      if (event.kind === 'ends') applied.add(index.name);
      options.onProgress?.(event);
    };
    await inTurn(session, options, () => replaceIndex(runner, inSql(index), { ...options, onProgress }));
  }
  return [...applied];
}

/** Rebuilds what serves already, one index at a time, while no other process migrates. */
export async function reindex(
  session: OwnerSession,
  steps: readonly Step[],
  options: BuildOptions,
): Promise<void> {
  for (const step of steps) await inTurn(session, options, () => runOnce(session.runner, [step], options));
}

/** While no other process migrates; a signal ends the wait for it, and leaves work that has begun to end itself. */
async function inTurn(
  session: OwnerSession,
  { signal, onProgress }: BuildOptions,
  work: () => Promise<void>,
): Promise<void> {
  let begun = false;
  const onWait = (sentence: string): void => onProgress?.({ kind: 'waits', sentence });
  const turn = withMigrationLock(
    session,
    () => {
      signal?.throwIfAborted();
      begun = true;
      return work();
    },
    { onWait, patienceMs: Infinity },
  );
  const stopped = new Promise<never>((_, reject) => {
    const stop = (): void => {
      if (!begun) reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
  await Promise.race([turn, stopped]);
}
