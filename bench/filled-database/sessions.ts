import { anyOf } from './randomness';
import type { FillPlan, TableFill } from './table-fill';

const BROWSERS = [
  'Mozilla/5.0 (X11; Linux x86_64)',
  'Mozilla/5.0 (iPhone)',
  'Mozilla/5.0 (Windows NT 10.0)',
  'okhttp/4.12',
];

/** Log-ins of the last month, each of somebody else as long as there are enough users. */
const sessions: TableFill = {
  table: 'sessions',
  with: ['users'],
  statements: (plan) => {
    const rows = plan.rows('sessions');
    return [
      `CREATE TEMP TABLE the_sessions AS
         SELECT no, pg_temp.id_of(created_at, no, 30) AS id, created_at FROM (
           SELECT no, pg_temp.moment(no, ${rows}, 30) AS created_at FROM generate_series(0, ${rows - 1}) AS no) s`,
      `INSERT INTO sessions (id, user_id, refresh_token_hash, user_agent, expires_at, created_at, updated_at)
         SELECT s.id, u.id, pg_temp.digest_of(s.no, 31), ${anyOf('s.no', 35, BROWSERS)}, s.created_at + interval '30 days',
                s.created_at, s.created_at
           FROM the_sessions s JOIN the_users u ON u.rank = s.no % ${plan.rows('users')} ORDER BY s.no`,
    ];
  },
};

const spentRefreshTokens: TableFill = {
  table: 'spent_refresh_tokens',
  with: ['sessions'],
  statements: (plan) => [
    `INSERT INTO spent_refresh_tokens (token_hash, session_id, created_at)
       SELECT pg_temp.digest_of(n.no, 40), s.id, least(pg_temp.present(), s.created_at + interval '15 minutes')
         FROM generate_series(0, ${plan.rows('spent_refresh_tokens') - 1}) AS n(no)
         JOIN the_sessions s ON s.no = pg_temp.skewed(n.no, 44, ${plan.rows('sessions')}, ${plan.rows('sessions') / 10}) ORDER BY n.no`,
  ],
};

export const sessionFills: readonly TableFill[] = [sessions, spentRefreshTokens, ...proofs()];

/** What lives for hours or minutes: the older half is over and waits to be removed. */
function proofs(): TableFill[] {
  return [
    {
      table: 'user_tokens',
      with: ['users'],
      statements: (plan: FillPlan) => [
        `INSERT INTO user_tokens (user_id, kind, token_hash, email, expires_at, created_at)
           SELECT u.id, (ARRAY['email_verification', 'password_reset'])[1 + n.no % 2]::user_token_kind, pg_temp.digest_of(n.no, 50), u.email,
                  pg_temp.moment(n.no, ${plan.rows('user_tokens')}, 2) + interval '1 day', pg_temp.moment(n.no, ${plan.rows('user_tokens')}, 2)
             FROM generate_series(0, ${plan.rows('user_tokens') - 1}) AS n(no)
             JOIN the_users u ON u.rank = n.no / 2 ORDER BY n.no`,
      ],
    },
    {
      table: 'wallet_challenges',
      with: [],
      statements: (plan: FillPlan) => [
        `INSERT INTO wallet_challenges (id, wallet_address, challenge, expires_at, created_at)
           SELECT pg_temp.id_of(at, no, 60), pg_temp.wallet_of(no / 2, 61), 'Log in to GridTokenX: ' || no, at + interval '5 minutes', at
             FROM (SELECT no, pg_temp.present() - make_interval(secs => (${plan.rows('wallet_challenges')} - no) * 0.02) AS at
                     FROM generate_series(0, ${plan.rows('wallet_challenges') - 1}) AS no) c ORDER BY no`,
      ],
    },
    {
      table: 'login_failures',
      with: [],
      statements: (plan: FillPlan) => [
        `INSERT INTO login_failures (identifier_hash, failures, expires_at, created_at, updated_at)
           SELECT pg_temp.digest_of(no, 70), 1 + pg_temp.skewed(no, 74, 9), at + interval '15 minutes', at, at
             FROM (SELECT no, pg_temp.present() - make_interval(secs => (${plan.rows('login_failures')} - no) * 0.05) AS at
                     FROM generate_series(0, ${plan.rows('login_failures') - 1}) AS no) f ORDER BY no`,
      ],
    },
  ];
}
