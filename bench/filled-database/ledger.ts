import type { FillPlan, TableFill } from './table-fill';

/** Micro-units that everybody who trades deposited once; half of it is reserved at once. */
const DEPOSIT = 10n ** 13n;
const CURRENCY = 'THB';

/** Every transfer has one giving and one gaining account, so the books balance however many there are. */
const transfers: TableFill = {
  table: 'ledger_transfers',
  with: ['users', 'mints', 'ledger_entries', 'ledger_accounts'],
  statements: (plan) => [
    ...accountsOf(plan),
    `CREATE TEMP TABLE the_transfers AS
       SELECT row_number() OVER (ORDER BY created_at, kind, reference) AS no, kind, reference, created_at, giver, gainer, amount
         FROM (${movements(plan).join(' UNION ALL ')}) moved WHERE giver <> gainer`,
    'ANALYZE the_transfers',
    `INSERT INTO ledger_transfers (id, kind, reference, created_at)
       SELECT pg_temp.id_of(created_at, no, 200), kind, reference, created_at FROM the_transfers ORDER BY no`,
  ],
};

const entries: TableFill = {
  table: 'ledger_entries',
  with: ['ledger_transfers'],
  statements: () => [
    `INSERT INTO ledger_entries (account_id, id, transfer_id, amount, created_at)
       SELECT account_id, pg_temp.id_of(created_at, entry, 201), transfer_id, amount, created_at
         FROM (SELECT gainer AS account_id, 2 * no AS entry, pg_temp.id_of(created_at, no, 200) AS transfer_id, amount, created_at
                 FROM the_transfers
                UNION ALL
               SELECT giver, 2 * no + 1, pg_temp.id_of(created_at, no, 200), -amount, created_at FROM the_transfers) legs
        ORDER BY entry`,
  ],
};

/** Written last, with what their entries come to. */
const accounts: TableFill = {
  table: 'ledger_accounts',
  with: ['ledger_entries'],
  statements: () => [
    `INSERT INTO ledger_accounts (id, user_id, platform, asset, bucket, balance, created_at, updated_at)
       SELECT a.id, a.user_id, a.platform, a.asset, a.bucket, coalesce(e.balance, 0), a.created_at, pg_temp.present()
         FROM the_accounts a
         LEFT JOIN (SELECT account_id, sum(amount)::bigint AS balance FROM ledger_entries GROUP BY account_id) e ON e.account_id = a.id
        ORDER BY a.id`,
  ],
};

/** Who traded has money, who mints has energy, the heavy user has every kind of it. */
function accountsOf(plan: FillPlan): string[] {
  return [
    `CREATE TEMP TABLE the_accounts AS
       SELECT no, rank, user_id, platform, asset, bucket::ledger_bucket AS bucket, created_at, pg_temp.id_of(created_at, no, 210) AS id
         FROM (SELECT row_number() OVER (ORDER BY created_at, user_id, platform, asset, bucket) AS no, o.*, bucket
                 FROM (SELECT u.rank, u.id AS user_id, NULL AS platform, '${CURRENCY}' AS asset, u.created_at
                         FROM the_users u WHERE u.rank < ${depositors(plan)}
                        UNION
                       SELECT u.rank, u.id, NULL, 'energy:' || m.energy_source, u.created_at FROM the_meters m JOIN the_users u ON u.id = m.owner_id
                        UNION
                       SELECT 0, u.id, NULL, 'energy:' || source, u.created_at
                         FROM the_users u, unnest(enum_range(NULL::energy_source)) AS source WHERE u.rank = 0) o
                CROSS JOIN unnest(ARRAY['available', 'reserved']) AS bucket
                UNION ALL
               SELECT -row_number() OVER (ORDER BY platform, asset), NULL, NULL, platform, asset, '2020-01-01', 'available'
                 FROM (SELECT 'issuance' AS platform, 'energy:' || source AS asset FROM unnest(enum_range(NULL::energy_source)) AS source
                        UNION ALL
                       SELECT 'deposits', 'energy:' || source FROM unnest(enum_range(NULL::energy_source)) AS source
                        UNION ALL SELECT 'deposits', '${CURRENCY}') p) accounts`,
    `CREATE TEMP TABLE the_openings AS
       SELECT * FROM the_accounts WHERE bucket = 'available' AND user_id IS NOT NULL AND (asset = '${CURRENCY}' OR rank = 0)`,
    'ANALYZE the_accounts, the_openings',
  ];
}

const depositors = (plan: FillPlan): number =>
  Math.max(1, Math.min(plan.rows('users'), Math.floor(plan.rows('ledger_transfers') / 4)));

/** Deposits, what of them was reserved, mints, and trades for the rest of the transfers. */
function movements(plan: FillPlan): string[] {
  const opening = `least(pg_temp.present(), greatest(a.created_at, '${plan.months[0] ?? ''} 00:00:00+00') + make_interval(secs => a.no))`;
  const trades = `${plan.rows('ledger_transfers')} - ${2 * depositors(plan)} - (SELECT count(*) FROM the_mints)`;
  return [
    `SELECT 'deposit' AS kind, 'bank transfer ' || a.no AS reference, ${opening} AS created_at,
            p.id AS giver, a.id AS gainer, ${DEPOSIT}::bigint AS amount
       FROM the_openings a JOIN the_accounts p ON p.platform = 'deposits' AND p.asset = a.asset`,
    `SELECT 'order.reserved', r.id::text, ${opening}, a.id, r.id, ${DEPOSIT / 2n}
       FROM the_openings a JOIN the_accounts r ON r.user_id = a.user_id AND r.asset = a.asset AND r.bucket = 'reserved'`,
    `SELECT 'mint', m.id::text, m.created_at, p.id, a.id, m.energy_wh
       FROM the_mints m JOIN the_meters t ON t.id = m.meter_id
       JOIN the_accounts a ON a.user_id = m.user_id AND a.asset = 'energy:' || t.energy_source AND a.bucket = 'available'
       JOIN the_accounts p ON p.platform = 'issuance' AND p.asset = a.asset`,
    `SELECT 'trade', pg_temp.id_of(pg_temp.moment(n.no, n.of, 380), n.no, 211)::text, pg_temp.moment(n.no, n.of, 380),
            buyer.id, seller.id, 1000 * (1 + pg_temp.draw(n.no, 214, 40000))
       FROM (SELECT no, ${trades} AS of FROM generate_series(0, ${trades} - 1) AS no) n
       JOIN the_openings buyer ON buyer.asset = '${CURRENCY}' AND buyer.rank = pg_temp.skewed(n.no, 212, ${depositors(plan)})
       JOIN the_openings seller ON seller.asset = '${CURRENCY}' AND seller.rank = pg_temp.skewed(n.no, 213, ${depositors(plan)})`,
  ];
}

/** Most were paid long ago; few wait for an admin. */
const withdrawals: TableFill = {
  table: 'withdrawals',
  with: ['users'],
  statements: (plan) => {
    const rows = plan.rows('withdrawals');
    return [
      `CREATE TEMP TABLE the_deciders AS
         SELECT id, row_number() OVER (ORDER BY no) - 1 AS place, count(*) OVER () AS of FROM the_users WHERE role IN ('admin', 'operator')`,
      `INSERT INTO withdrawals (id, user_id, amount, reference, status, decided_by, decided_at, created_at, updated_at)
         SELECT pg_temp.id_of(at, w.no, 220), user_id, 1000000 * (1 + pg_temp.draw(w.no, 221, 500)), 'payout ' || w.no, status::withdrawal_status,
                CASE WHEN status <> 'pending' THEN d.id END,
                CASE WHEN status <> 'pending' THEN least(pg_temp.present(), at + interval '5 hours') END, at, at
           FROM (SELECT n.no, u.id AS user_id, pg_temp.moment(n.no, ${rows}, 380) AS at,
                        CASE WHEN n.no >= ${rows} - 40 AND pg_temp.chance(n.no, 222) < 0.7 THEN 'pending'
                             WHEN pg_temp.chance(n.no, 223) < 0.03 THEN 'refused' ELSE 'confirmed' END AS status
                   FROM generate_series(0, ${rows - 1}) AS n(no)
                   JOIN the_users u ON u.rank = pg_temp.skewed(n.no, 224, ${plan.rows('users')})) w
           JOIN the_deciders d ON d.place = pg_temp.draw(w.no, 225, d.of) ORDER BY w.no`,
    ];
  },
};

export const ledgerFills: readonly TableFill[] = [transfers, entries, accounts, withdrawals];
