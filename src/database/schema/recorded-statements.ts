import { createHash } from 'node:crypto';
import type { DataSource, MigrationInterface, QueryRunner } from 'typeorm';
import { normalizedStatements } from './sql-text';

/** How a migration is carried out, and what it asks the catalogue meanwhile: not what it makes. */
const NOT_ITS_WORK =
  /^(?:BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|RESET|SHOW)\b|^(?:SELECT|WITH)\b[\s\S]*\bpg_\w+/i;

/**
 * What `up()` sends to a database that answers nothing, normalised: `SELECT` finds no rows, everything else
 * succeeds. A migration must say the same whatever it finds, so it works against such a database too.
 * @param dataSource lends its dialect; nothing is sent to it
 * @throws Error when the migration cannot do without answers
 */
export async function recordedStatements(
  dataSource: DataSource,
  migration: MigrationInterface,
): Promise<string[]> {
  const statements: string[] = [];
  try {
    await migration.up(recorder(dataSource, statements));
  } catch (error) {
    throw new Error(
      `${migration.constructor.name} does not work against a database that answers nothing, so it has no checksum: let it not depend on what it finds`,
      { cause: error },
    );
  }
  return statements.filter((statement) => !NOT_ITS_WORK.test(statement));
}

/** What tells whether a migration still is what was applied: comments, formatting and compilers do not change it. */
export function checksumOf(statements: readonly string[]): string {
  return createHash('sha256').update(statements.join(';\n')).digest('hex');
}

function recorder(dataSource: DataSource, statements: string[]): QueryRunner {
  const query = (text: string, values: unknown[] = []): Promise<unknown[]> => {
    const bound = values.length === 0 ? '' : ` -- ${JSON.stringify(values)}`;
    statements.push(...normalizedStatements(text).map((statement) => statement + bound));
    return Promise.resolve([]);
  };
  return Object.assign(dataSource.createQueryRunner(), { query, connect: () => Promise.resolve({ query }) });
}
