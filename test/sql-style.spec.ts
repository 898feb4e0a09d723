import { join } from 'node:path';
import { sqlIn, sqlInSources, type WrittenStatement } from './support/sql-in-sources';

/** What reads PostgreSQL's own catalogue, by hand or at the start: a few hundred rows, of which none is a market's. */
const READS_THE_CATALOGUE = /^database\/(schema|indexes)\/|^database\/application-rights\.ts/;
/** What unnest gives is what the statement writes out beside it: its columns are named there. */
const ROWS_OF_PARAMETERS = /SELECT (\w+\.)?\*(?=.{0,40}? FROM unnest\()/g;
const TABLE = String.raw`(ONLY )?(\w+|\{\})( (AS )?(?!(ON|WHERE|ORDER|GROUP|LIMIT|SET|FOR|UNION)\b)\w+)?`;

const RULES: readonly (readonly [rule: string, broken: RegExp])[] = [
  ['columns are named: no *', /(SELECT (DISTINCT )?|RETURNING |, ?)(\w+\.)?\*/],
  // OFFSET 0 skips nothing: it keeps the planner from merging a subquery with what is around it.
  ['pages go by keys: no OFFSET', /\bOFFSET\b(?! 0\b)/],
  [
    'a subquery is asked whether a row EXISTS, or joined: no IN (SELECT',
    /\bIN \((SELECT|WITH|TABLE|VALUES)\b/,
  ],
  ['joins are written as JOIN: no FROM a, b', new RegExp(String.raw`\b(FROM|USING) ${TABLE} ?,`)],
];

function broken(statements: readonly WrittenStatement[]): string[] {
  return statements.flatMap(({ place, text }) => {
    const judged = text.replace(ROWS_OF_PARAMETERS, 'SELECT');
    return RULES.filter(([, sign]) => sign.test(judged)).map(([rule]) => `${place}: ${rule}`);
  });
}

describe('the SQL of the application', () => {
  const statements = sqlInSources(join(__dirname, '../src'));

  it('is found', () => {
    expect(statements.length).toBeGreaterThan(200);
  });

  it('names its columns, joins explicitly, asks EXISTS, and pages by keys', () => {
    expect(broken(statements.filter(({ place }) => !READS_THE_CATALOGUE.test(place)))).toEqual([]);
  });

  it.each([
    ['SELECT * FROM users', 'columns are named'],
    ['SELECT u.id, m.* FROM users u JOIN meters m ON m.user_id = u.id', 'columns are named'],
    ['DELETE FROM sessions RETURNING *', 'columns are named'],
    ['SELECT id FROM users ORDER BY id LIMIT $1 OFFSET $2', 'pages go by keys'],
    ['SELECT id FROM users WHERE id IN (\n SELECT user_id FROM meters)', 'EXISTS'],
    ['SELECT u.id FROM users u, meters m WHERE m.user_id = u.id', 'written as JOIN'],
    ['SELECT u.id FROM ${table}, meters', 'written as JOIN'],
  ])('%s would not do', (sql, rule) => {
    expect(broken(sqlIn('example.ts', `query(\`${sql}\`)`))).toEqual([expect.stringContaining(rule)]);
  });

  it.each([
    'SELECT count(*) FROM users WHERE id IN ($1, $2)',
    'INSERT INTO t (a, b) SELECT * FROM unnest($1::int[], $2::int[])',
    "INSERT INTO t (a, b) SELECT s.*, 'done', now() FROM unnest($1::int[]) AS s(a)",
    'SELECT id FROM (SELECT id FROM a ORDER BY b OFFSET 0) AS kept_apart WHERE id < $1',
    'SELECT a.id, b.id FROM a CROSS JOIN b ORDER BY a.id, b.id',
    'SELECT price * $1 FROM offers WHERE EXISTS (SELECT FROM meters WHERE id = $2)',
    'SELECT id FROM a WHERE a.x = $1 GROUP BY id, x',
  ])('%s is well', (sql) => {
    expect(broken(sqlIn('example.ts', `query(\`${sql}\`)`))).toEqual([]);
  });
});
