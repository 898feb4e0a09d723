import { oneOf } from './randomness';
import type { TableFill } from './table-fill';

const ACTIONS = {
  'trading.order_placed': 0.4,
  'trading.order_cancelled': 0.15,
  'readings.loaded': 0.2,
  'meter.minted': 0.1,
  'offer.purchased': 0.06,
  'offer.listed': 0.05,
  'certificate.issued': 0.02,
  'user.changed': 0.01,
  'deposit.booked': 0.005,
  'session.revoked': 0.003,
  'market.halted': 0.0005,
  'user.closed': 0.0015,
};

const logs: TableFill = {
  table: 'audit_logs',
  with: ['users', 'organizations'],
  statements: (plan) => {
    const rows = plan.rows('audit_logs');
    return [
      `INSERT INTO audit_logs (id, action, user_id, organization_id, entity, entity_id, before, after, request_id, created_at)
         SELECT pg_temp.id_of(at, no, 700), action, user_id, CASE WHEN user_id IS NOT NULL THEN organization_id END, split_part(action, '.', 1) || 's',
                pg_temp.id_of(at, no, 701)::text, CASE WHEN action = 'user.changed' THEN '{"role": "consumer"}'::jsonb END,
                jsonb_build_object('no', no), 'request-' || no, at
           FROM (SELECT n.no, pg_temp.moment(n.no, ${rows}, 390) AS at, ${oneOf('pg_temp.chance(n.no, 702)', ACTIONS)} AS action,
                        CASE WHEN pg_temp.chance(n.no, 703) < 0.92 THEN u.id END AS user_id, u.organization_id
                   FROM generate_series(0, ${rows - 1}) AS n(no)
                   JOIN the_users u ON u.rank = pg_temp.skewed(n.no, 704, ${plan.rows('users')})) l
          ORDER BY no`,
    ];
  },
};

/** Those of the last day, and an hour that the next run of the forgetting job takes. */
const idempotencyKeys: TableFill = {
  table: 'idempotency_keys',
  with: ['users'],
  statements: (plan) => {
    const rows = plan.rows('idempotency_keys');
    return [
      `INSERT INTO idempotency_keys (user_id, key, request_hash, answer, created_at)
         SELECT u.id, 'key ' || n.no, encode(pg_temp.digest_of(n.no, 710), 'hex'), '{"status": 201}',
                pg_temp.present() - interval '25 hours' * (${rows} - n.no) / ${rows}
           FROM generate_series(0, ${rows - 1}) AS n(no)
           JOIN the_users u ON u.rank = pg_temp.skewed(n.no, 714, ${plan.rows('users')}) ORDER BY n.no`,
    ];
  },
};

export const auditFills: readonly TableFill[] = [logs, idempotencyKeys];
