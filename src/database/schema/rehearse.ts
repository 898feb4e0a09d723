import type { Progress } from '../../common/progress';
import type { DatabaseUrls } from '../database.module';
import { ExplainedError } from '../explained-error';
import { migrate, migrationInfo, undoMigrations } from './migrate';
import { asOwner, type Code } from './owner-session';
import { describeSchema } from './schema-description';
import { inThrowAwayDatabase } from './throw-away-database';
import { validateSchema, type Validation } from './validate';

/** A migration does not do what it should; the message is one sentence. */
class RehearsalFailed extends ExplainedError {}

/** Who is told of a rehearsal, and who ends it; migrations and entities of the code when left out. */
export interface RehearsalOptions extends Code {
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

/** Every table counts as large: a migration that locks one for long has to say why. */
const NO_TABLE_IS_SMALL = -1;

/**
 * Takes all migrations up one by one, compares the result with the code, takes them back one by one to nothing, and
 * up again to the very same, in a database that is thrown away.
 * @returns what the comparison found
 * @throws ExplainedError naming the migration that does not go back, does not come to the same again, or would lock
 *   a table for long without a note
 */
export async function rehearse(
  urls: DatabaseUrls,
  { progress, signal, ...code }: RehearsalOptions,
): Promise<Validation> {
  return inThrowAwayDatabase(
    urls,
    (place) =>
      asOwner(place.ownerUrl, ({ runner }) =>
        rehearseIn(place, () => describeSchema(runner), progress, code),
      ),
    signal,
  );
}

async function rehearseIn(
  place: DatabaseUrls,
  described: () => Promise<string[]>,
  progress: Progress,
  code: Code,
): Promise<Validation> {
  const up = async (to: string): Promise<void> => {
    await migrate(place.ownerUrl, place.applicationUrl, { ...code, to, smallTableRows: NO_TABLE_IS_SMALL });
  };
  const titles = (await migrationInfo(place.ownerUrl, code)).map(({ title }) => title);
  const after = new Map<string | undefined, string[]>([[undefined, await described()]]);
  progress.begin('up', titles.length);
  for (const title of titles) {
    await up(title);
    after.set(title, await described());
    progress.advance();
  }
  progress.begin('validate', 1);
  const found = await validateSchema(place.ownerUrl, code);
  progress.advance();
  progress.begin('down to nothing', titles.length);
  for (const [index, title] of [...titles.entries()].toReversed()) {
    await undoMigrations(place.ownerUrl, code);
    compare(after.get(titles[index - 1]) ?? [], await described(), `${title} does not go back`);
    progress.advance();
  }
  progress.begin('up again', titles.length);
  for (const title of titles) {
    await up(title);
    compare(after.get(title) ?? [], await described(), `${title} comes to something else again`);
    progress.advance();
  }
  return found;
}

function compare(expected: readonly string[], found: readonly string[], what: string): void {
  const left = missingIn(new Set(expected), found);
  if (left !== undefined) throw new RehearsalFailed(`${what}: there is ${left}`);
  const lost = missingIn(new Set(found), expected);
  if (lost !== undefined) throw new RehearsalFailed(`${what}: there is no ${lost}`);
}

const missingIn = (lines: ReadonlySet<string>, wanted: readonly string[]): string | undefined =>
  wanted.find((line) => !lines.has(line));
