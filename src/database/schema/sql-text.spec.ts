import { normalizedStatements, splitOutsideBrackets } from './sql-text';

describe('normalized statements', () => {
  it('do not depend on comments, line breaks and indentation', () => {
    const tight = 'CREATE TABLE a(id uuid,n int CHECK(n > 0))';
    const wide = `
      -- what it is for; and why
      CREATE TABLE a ( /* the key,
        really */ id   uuid,
        n int CHECK ( n > 0 )
      );
    `;
    expect(normalizedStatements(wide)).toEqual([tight]);
    expect(normalizedStatements(tight)).toEqual([tight]);
  });

  it.each([
    `SELECT 'two  blanks -- no comment',"a  ""b;"`,
    `SELECT E'it\\'s;  so','it''s;  so'`,
    `SELECT date '2026-01-01'`,
    'SELECT $1,a$b FROM t',
  ])('keep what is quoted: %s', (statement) => {
    expect(normalizedStatements(statement)).toEqual([statement]);
  });

  it('differ when a literal does', () => {
    expect(normalizedStatements(`SELECT 'a b'`)).not.toEqual(normalizedStatements(`SELECT 'a  b'`));
  });

  it('are told apart by semicolons, but not by those in a function', () => {
    const text = `
      CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $body$
      BEGIN
        PERFORM 1;   -- why
        PERFORM 'a;  b';
      END $body$;
      SELECT f();`;
    expect(normalizedStatements(text)).toEqual([
      `CREATE FUNCTION f()RETURNS void LANGUAGE plpgsql AS $body$BEGIN PERFORM 1;PERFORM 'a;  b';END$body$`,
      'SELECT f()',
    ]);
  });

  it.each(['', '  ', '-- nothing', ';;'])('are none in %j', (text) => {
    expect(normalizedStatements(text)).toEqual([]);
  });
});

it('splits outside brackets and literals only', () => {
  expect(splitOutsideBrackets(`ADD a numeric(3, 1), ADD b text DEFAULT 'x,y', DROP c`, ',')).toEqual([
    'ADD a numeric(3, 1)',
    `ADD b text DEFAULT 'x,y'`,
    'DROP c',
  ]);
});
