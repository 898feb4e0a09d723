import { escapeLiteral, type Pool } from 'pg';
import type { Statement } from '../../src/database/statement';
import type { Ask, Question } from './hot-query';

const SOURCE = 'bare_answer_source';
const TABLE = 'bare_answer';

/**
 * Makes a table that holds one answer and nothing else, with the same columns.
 * @param pool of one connection, with the settings of the one that is measured
 * @returns what reads it: the least that any statement can cost that brings these rows
 */
export async function bareAnswer(pool: Pool, question: Question): Promise<Statement> {
  const { text, values } = await lastStatement(pool, question);
  await pool.query(`PREPARE ${SOURCE} AS ${text}`);
  await pool.query(
    `CREATE TABLE ${TABLE} AS EXECUTE ${SOURCE} (${(values as Value[]).map(literal).join(', ')})`,
  );
  await pool.query(`DEALLOCATE ${SOURCE}`);
  await pool.query(`VACUUM (ANALYZE) ${TABLE}`);
  const { fields } = await pool.query(`TABLE ${TABLE} LIMIT 0`);
  return { text: `SELECT ${fields.map(({ name }) => name).join(', ')} FROM ${TABLE}`, values: [] };
}

/** Of a question that sends several, the one that answers. */
async function lastStatement(pool: Pool, question: Question): Promise<Statement> {
  let last: Statement = { text: '', values: [] };
  const ask: Ask = async <Row extends object>(statement: Statement) => {
    last = statement;
    return (await pool.query(statement.text, [...statement.values])).rows as Row[];
  };
  await question.ask(ask);
  return last;
}

/** What hot statements take. */
type Value = string | number | bigint | boolean | Date | null;

/** A value as SQL; PostgreSQL finds its type by the parameter that it stands for. */
function literal(value: Value): string {
  if (value === null) return 'NULL';
  return escapeLiteral(value instanceof Date ? value.toISOString() : String(value));
}
