import type { IndexInSql } from './index-in-sql';
import { INDEX_FORM } from './live-indexes';
import { rowsOf, type StatementRunner } from './statement-runner';

/** How PostgreSQL itself writes an index, or why it cannot be made. */
export type CanonicalForm = { readonly form: string } | { readonly impossible: string };

interface Trial {
  readonly index: IndexInSql;
  readonly name: string;
  readonly statement: string;
}

const FORMS = `
  SELECT c.relname AS name, ${INDEX_FORM} AS form
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
   WHERE t.relnamespace = pg_my_temp_schema() AND c.relname LIKE 'trial\\_%'`;

/**
 * Lets PostgreSQL write indexes in its own words, so that `status IN ('a', 'b')` and
 * `status = ANY (ARRAY['a', 'b'])` are one form: each is made on an empty temporary copy of its table, in a
 * transaction that is rolled back. Not inside a transaction of the caller's. Their tables must exist.
 * @returns by the name of the index
 */
export async function canonicalForms(
  runner: StatementRunner,
  indexes: readonly IndexInSql[],
): Promise<Map<string, CanonicalForm>> {
  if (indexes.length === 0) return new Map();
  const tables = [...new Set(indexes.map(({ table }) => table))];
  const trials = indexes.map((index, place) => trialOf(index, `trial_${place}`, tables.indexOf(index.table)));
  await runner.query('BEGIN');
  try {
    await runner.query(
      tables.map((table, place) => `CREATE TEMPORARY TABLE copy_${place} (LIKE ${table})`).join(';\n'),
    );
    const impossible = await attempt(runner, trials);
    const rows = await rowsOf<{ name: string; form: string }>(runner, FORMS);
    const forms = new Map(rows.map(({ name, form }) => [name, form]));
    return new Map(
      trials.map(({ index, name }) => {
        const reason = impossible.get(name);
        return [index.name, reason === undefined ? { form: forms.get(name) ?? '' } : { impossible: reason }];
      }),
    );
  } finally {
    // On a broken connection it fails too: the first error is the one that tells what happened.
    await runner.query('ROLLBACK').catch(() => undefined);
  }
}

function trialOf(index: IndexInSql, name: string, copy: number): Trial {
  const kind = index.unique === true ? 'UNIQUE INDEX' : 'INDEX';
  return { index, name, statement: `CREATE ${kind} ${name} ON pg_temp.copy_${copy} ${index.definition}` };
}

/** All at once, since that is one round trip; one by one where one of them fails. @returns why, by name */
async function attempt(runner: StatementRunner, trials: readonly Trial[]): Promise<Map<string, string>> {
  const failures = new Map<string, string>();
  await runner.query('SAVEPOINT trials');
  try {
    await runner.query(trials.map(({ statement }) => statement).join(';\n'));
    return failures;
  } catch {
    await runner.query('ROLLBACK TO SAVEPOINT trials');
  }
  for (const { name, statement } of trials) {
    await runner.query('SAVEPOINT trial');
    try {
      await runner.query(statement);
    } catch (error) {
      await runner.query('ROLLBACK TO SAVEPOINT trial');
      failures.set(name, error instanceof Error ? error.message : String(error));
    }
  }
  return failures;
}
