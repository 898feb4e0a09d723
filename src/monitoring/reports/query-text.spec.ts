import { countersOf } from '../../../test/support/statement-counters';
import type { QueryAnswer } from './query-detail';
import { queryText } from './query-text';

const detail: QueryAnswer & { available: true } = {
  available: true,
  queryId: '-17',
  statement: 'SELECT id FROM users WHERE email = $1',
  counters: {
    since: '2026-11-01T00:00:00.000Z',
    figures: {
      ...countersOf('-17', {
        calls: 1_200,
        totalMs: 2_400,
        minMs: 1,
        maxMs: 3,
        rows: 1_200,
        sharedHit: 3_600,
      }),
      share: 0.25,
      meanMs: 2,
      stddevMs: 0.5,
    },
  },
  history: {
    available: true,
    from: '2026-11-01T00:00:00.000Z',
    to: '2026-11-02T00:00:00.000Z',
    stepSeconds: 300,
    points: [
      {
        at: '2026-11-01T00:05:00.000Z',
        calls: 7,
        totalMs: 14,
        meanMs: 2,
        rows: 7,
        sharedHit: 21,
        sharedRead: 0,
      },
    ],
    notes: ['A gap in the history'],
  },
  plan: {
    available: true,
    plan: {
      'Node Type': 'Limit',
      'Total Cost': 8.3,
      'Plan Rows': 1,
      Plans: [
        {
          'Node Type': 'Index Scan',
          'Relation Name': 'users',
          Alias: 'users',
          'Index Name': 'idx_users_email',
          'Index Cond': '(email = $1)',
          'Total Cost': 8.29,
          'Plan Rows': 1,
        },
      ],
    },
  },
};

describe('one statement as text', () => {
  it('shows what it cost, how that was over time, and its plan as a tree', () => {
    const text = queryText(detail);

    expect(text).toContain('Statement -17\nSELECT id FROM users WHERE email = $1');
    expect(text).toMatch(/calls +1 200\n/);
    expect(text).toMatch(/share +25/);
    expect(text).toContain('Over time, in steps of 5 minutes');
    expect(text).toMatch(/2026-11-01T00:05:00.000Z │ +7 │/);
    expect(text).toContain('Note: A gap in the history');
    expect(text).toContain(
      [
        'Limit  (cost 8.3, rows 1)',
        '  -> Index Scan using idx_users_email on users  (cost 8.29, rows 1)',
        '       Index Cond: (email = $1)',
      ].join('\n'),
    );
  });

  it('says what of it is not known, and why', () => {
    const text = queryText({
      ...detail,
      counters: null,
      history: { available: false, missing: 'a snapshot', howTo: 'ask again in two minutes' },
      plan: { available: false, why: 'it has no plan' },
    });

    expect(text).toContain('has thrown its counters away');
    expect(text).toContain('No history: a snapshot is missing. ask again in two minutes.');
    expect(text).toContain('No plan: it has no plan.');
    expect(queryText({ available: false, missing: 'pg_stat_statements', howTo: 'install it' })).toBe(
      'Not available: pg_stat_statements is missing. install it.',
    );
  });
});
