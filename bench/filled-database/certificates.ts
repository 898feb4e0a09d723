import { CERTIFIED_MONTHS, certifiedMeters, UNCERTIFIED_MONTHS } from './certified-meters';
import { oneOf } from './randomness';
import type { TableFill } from './table-fill';

/** A meter's whole month each: certified when it is over, the oldest three years ago. */
const issuances: TableFill = {
  table: 'certificate_issuances',
  with: ['meters'],
  statements: (plan) => {
    const perMonth = certifiedMeters(plan);
    const rows = Math.min(plan.rows('certificate_issuances'), perMonth * CERTIFIED_MONTHS);
    const present = plan.months.at(-1) ?? '';
    return [
      `CREATE TEMP TABLE the_issuances AS
         SELECT i.no, pg_temp.id_of(i.created_at, i.no, 500) AS id, m.id AS meter_id, m.owner_id, m.wallet_address, m.energy_source, month,
                month + interval '1 month' AS month_end, i.created_at
           FROM (SELECT *, month + interval '1 month 3 days' + place * interval '0.2 seconds' AS created_at
                   FROM (SELECT no, no % ${perMonth} AS place, ('${present} 00:00:00'::timestamp
                                - make_interval(months => ${CERTIFIED_MONTHS + UNCERTIFIED_MONTHS - 1} - (no / ${perMonth})::integer)) AT TIME ZONE 'UTC' AS month
                           FROM generate_series(0, ${rows - 1}) AS no) n) i
           JOIN the_meters m ON m.no = i.place`,
      `INSERT INTO certificate_issuances (id, meter_id, period_from, period_to, energy_wh, withdrawn_at, withdrawal_reason, created_at, updated_at)
         SELECT id, meter_id, month, month_end, 100000 + pg_temp.draw(no, 501, 900000),
                CASE WHEN pg_temp.chance(no, 502) < 0.005 THEN least(pg_temp.present(), created_at + interval '9 days') END,
                CASE WHEN pg_temp.chance(no, 502) < 0.005 THEN 'The meter was found to be faulty' END, created_at, created_at
           FROM the_issuances ORDER BY no`,
      'CREATE UNIQUE INDEX ON the_issuances (no)',
      'ANALYZE the_issuances',
    ];
  },
};

/** Crockford's base 32 without what people mistake: counting in it gives every number once. */
const CERTIFICATE_NUMBER = `translate(lpad(to_hex(no), 6, '0'), 'abcdef', 'ABCDEF')`;

/** The lots of the issuances, in the order of their issue. Most are sold, to companies that buy many. */
const certificates: TableFill = {
  table: 'erc_certificates',
  with: ['certificate_issuances', 'erc_certificate_transfers'],
  statements: (plan) => {
    const rows = plan.rows('erc_certificates');
    const issued = Math.min(plan.rows('certificate_issuances'), certifiedMeters(plan) * CERTIFIED_MONTHS);
    return [
      `CREATE TEMP TABLE the_certificates AS
         SELECT c.*, pg_temp.id_of(issued_at, c.no, 510) AS id, u.id AS taker_id, u.wallet_address AS taker_wallet
           FROM (SELECT n.no, i.id AS issuance_id, i.owner_id, i.wallet_address, i.energy_source, i.month,
                        i.created_at + interval '1 millisecond' * (n.no % 100) AS issued_at, ${STATUS} AS status
                   FROM generate_series(0, ${rows - 1}) AS n(no)
                   JOIN the_issuances i ON i.no = floor(n.no::double precision / ${rows} * ${issued})::bigint) c
           JOIN the_users u ON u.rank = pg_temp.skewed(c.no, 512, ${plan.rows('users')}, 5)`,
      `INSERT INTO erc_certificates (id, certificate_id, issuance_id, user_id, wallet_address, energy_wh, energy_source, vintage, status,
                                     issued_at, expires_at, retired_at, beneficiary, purpose, blockchain_tx_signature, created_at, updated_at)
         SELECT id, 'ERC-' || extract(year FROM issued_at) || '-' || ${CERTIFICATE_NUMBER}, issuance_id,
                CASE WHEN ${CHANGED_HANDS} THEN taker_id ELSE owner_id END, CASE WHEN ${CHANGED_HANDS} THEN taker_wallet ELSE wallet_address END,
                1000 + pg_temp.draw(no, 513, 100000), energy_source, to_char(month, 'YYYY-MM'), status::certificate_status, issued_at,
                issued_at + interval '1 year', CASE status WHEN 'retired' THEN least(pg_temp.present(), issued_at + interval '40 days') END,
                CASE status WHEN 'retired' THEN 'Beneficiary ' || no % 900 END, CASE status WHEN 'retired' THEN 'Annual report' END,
                CASE WHEN pg_temp.chance(no, 514) < 0.03 THEN pg_temp.signature_of(no, 520) END, issued_at, issued_at
           FROM the_certificates ORDER BY no`,
    ];
  },
};

/** A certificate older than a year is at its end, but for the few that the next hourly run will end. */
const STATUS = `CASE WHEN i.created_at > pg_temp.present() - interval '1 year' OR pg_temp.chance(n.no, 515) < 0.0003
    THEN ${oneOf('pg_temp.chance(n.no, 511)', { withdrawn: 0.003, transferred: 0.6, retired: 0.25, active: 0.147 })}
    ELSE ${oneOf('pg_temp.chance(n.no, 511)', { withdrawn: 0.003, expired: 0.147, retired: 0.85 })} END`;
const CHANGED_HANDS = `(owner_id <> taker_id AND (status = 'transferred' OR status IN ('retired', 'withdrawn') AND no % 8 <> 0))`;

/** One for each that is not its first owner's any more. */
const transfers: TableFill = {
  table: 'erc_certificate_transfers',
  with: ['erc_certificates'],
  statements: () => [
    `INSERT INTO erc_certificate_transfers (id, erc_certificate_id, from_user_id, to_user_id, created_at)
       SELECT pg_temp.id_of(at, no, 530), id, owner_id, taker_id, at
         FROM (SELECT no, id, owner_id, taker_id, least(pg_temp.present(), issued_at + interval '20 days') AS at
                 FROM the_certificates WHERE ${CHANGED_HANDS}) t
        ORDER BY at, no`,
  ],
};

export const certificateFills: readonly TableFill[] = [issuances, certificates, transfers];
