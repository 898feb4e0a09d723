import { statementForm } from './statement-fingerprint';

const textOf = (text: string) => statementForm(text).text;

describe('the form of a statement', () => {
  it.each([
    ['SELECT id\n  FROM users -- of all\n WHERE id = $1', 'SELECT id FROM users WHERE id = $1'],
    ["SELECT 'it''s me', E'a\\'b', U&'\\0061', x'1F', N'n'", 'SELECT ?, ?, ?, ?, ?'],
    ["SELECT date '2026-01-01' - interval'1 day'", 'SELECT date ? - interval?'],
    [
      'SELECT 1, -2.5e3, .5, 0x1F, 1_000 FROM t2 WHERE c3 = $12',
      'SELECT ?, -?, ?, ?, ? FROM t2 WHERE c3 = $12',
    ],
    ['SELECT $$secret$$, $tag$ a $$ b $tag$ /* why */ FROM "Odd 1"', 'SELECT ?, ? FROM "Odd 1"'],
    ["SELECT 'never ends and tells secrets", 'SELECT ?'],
    ["SELECT E'never ends, it\\'s a secret", 'SELECT ?'],
    ["SELECT E'never ends at all\\", 'SELECT ?'],
    ['SELECT $$never ends and tells secrets', 'SELECT ?'],
    ['SELECT $tag$never $$ ends $tag', 'SELECT ?'],
    ['SELECT 1 /* never ends and tells secrets', 'SELECT ?'],
    ['SELECT id FROM t WHERE id IN ($1, $2,$3)', 'SELECT id FROM t WHERE id IN (…)'],
    [
      'INSERT INTO t(a, b) VALUES ($1, $2), ($3, DEFAULT), ($5, $6)',
      'INSERT INTO t(a, b) VALUES ($1, $2), …',
    ],
    ['SELECT unnest($1::uuid[], $2::text[])', 'SELECT unnest($1::uuid[], $2::text[])'],
  ])('%s', (text, form) => {
    expect(textOf(text)).toBe(form);
  });

  it('is the same whatever values stand in it, and however it is laid out', () => {
    const first = statementForm("SELECT id FROM users WHERE email = 'a@example.org' LIMIT 1");
    const second = statementForm("SELECT id FROM users\n\tWHERE email = 'b@example.org'  LIMIT 50 ");
    expect(first).toEqual(second);
    expect(first.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(statementForm('SELECT id FROM users').fingerprint).not.toBe(first.fingerprint);
  });

  it('does not change from release to release', () => {
    expect(statementForm('SELECT id FROM users WHERE id = $1').fingerprint).toMatchInlineSnapshot(
      `"88f26472e41c0381"`,
    );
  });
});
