import { natureOf } from './statement-effect';

describe('the nature of a statement', () => {
  it.each([
    ['SELECT id FROM users WHERE id = $1', 'read'],
    ['SELECT id FROM users WHERE id = $1 FOR UPDATE', 'read'],
    ['SELECT id FROM jobs ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED', 'read'],
    ['  with latest AS (SELECT 1) SELECT 1 FROM latest', 'read'],
    ['INSERT INTO users (id) SELECT $1', 'write'],
    ['WITH sold AS (UPDATE energy_offers o SET status = $1 RETURNING id) SELECT id FROM sold', 'write'],
    ['WITH gone AS (DELETE FROM sessions RETURNING id) SELECT count(*) FROM gone', 'write'],
    ['START TRANSACTION', 'none'],
    ['SET LOCAL plan_cache_mode = force_custom_plan', 'none'],
  ])('of %s is that it does: %s', (text, effect) => {
    expect(natureOf(text)).toEqual({ effect, isOfMany: false });
  });

  it.each([
    'SELECT id FROM meters WHERE serial = ANY($1::text[])',
    'SELECT id FROM meters WHERE serial = any ( $1 )',
    'INSERT INTO readings SELECT * FROM unnest($1::uuid[], $2::bigint[])',
    'INSERT INTO audit_logs (id) SELECT id FROM jsonb_to_recordset($1::jsonb) AS r(id uuid)',
  ])('of %s is that it is of many', (text) => {
    expect(natureOf(text)).toMatchObject({ isOfMany: true });
  });
});
