import { anyOf, oneOf, SCATTER } from './randomness';
import { certifiedMeters } from './certified-meters';
import type { FillPlan, TableFill } from './table-fill';

/** Readings are quarter-hourly; their intervals are counted from the first month's beginning. */
const SLOTS_PER_DAY = 96;
/** The last two days wait to be minted. */
const UNMINTED_SLOTS = 2 * SLOTS_PER_DAY;
/** On average, of meters that count: four days. */
const READINGS_PER_METER = 400;
/** With fewer of them, any index whose first key is a meter or a user would do for every question: then all count. */
const FEWEST_COUNTING = 2_000;

const firstInstant = (plan: FillPlan): string => `'${plan.months[0] ?? ''} 00:00:00+00'::timestamptz`;
const slotOf = (instant: string, plan: FillPlan): string =>
  `floor(extract(epoch FROM ${instant} - ${firstInstant(plan)}) / 900)::bigint`;
const presentSlot = (plan: FillPlan): string => slotOf('pg_temp.present()', plan);

/** The busiest meters count for months without a gap, most of the others that count at all for a few days. */
const meters: TableFill = {
  table: 'meters',
  with: ['users'],
  statements: (plan) => {
    const rows = plan.rows('meters');
    const { counting, busiest } = depthOf(rows, plan.rows('meter_readings'));
    const readingsBefore = (rank: string): string =>
      `floor(${plan.rows('meter_readings')} * ln(1 + least(${counting}, ${rank}) / ${busiest}::double precision) / ln(1 + ${counting / busiest}))::bigint`;
    return [
      `CREATE TEMP TABLE the_meters AS
         SELECT no, id, owner_id, wallet_address, energy_source, capacity_w, status, slots, created_at,
                CASE WHEN no = 0 OR pg_temp.chance(no, 100) < 0.4 THEN available - slots
                     ELSE pg_temp.draw(no, 101, available - slots + 1) END AS first_slot
           FROM (SELECT m.no, u.id AS owner_id, u.wallet_address, available,
                        pg_temp.id_of(created_at, m.no, 102) AS id, m.created_at,
                        ${oneOf('CASE WHEN m.no = 0 THEN 0 ELSE pg_temp.chance(m.no, 103) END', { solar: 0.8, wind: 0.1, hydro: 0.04, biomass: 0.03, geothermal: 0.01, mixed: 0.02 }, 'energy_source')} AS energy_source,
                        ${oneOf('CASE WHEN m.no = 0 THEN 0 ELSE pg_temp.chance(m.no, 104) END', { verified: 0.994, pending: 0.003, suspended: 0.002, retired: 0.001 }, 'meter_status')} AS status,
                        3000 + 500 * pg_temp.skewed(m.no, 105, 60) AS capacity_w,
                        least(available, ${readingsBefore('m.rank + 1')} - ${readingsBefore('m.rank')}) AS slots
                   FROM (SELECT no, (no::bigint * ${SCATTER}) % ${rows} AS rank,
                                pg_temp.moment(no, ${rows}, 700) - interval '400 days' AS created_at, ${presentSlot(plan)} AS available
                           FROM generate_series(0, ${rows - 1}) AS no) m
                   JOIN (SELECT rank, id, wallet_address FROM the_users OFFSET 0) u
                     ON u.rank = CASE WHEN m.no = 0 THEN 0
                                      ELSE pg_temp.skewed(m.no, 106, ${plan.rows('users')}, ${plan.rows('users') / 1000}) END) m`,
      `INSERT INTO meters (id, serial, owner_id, zone, energy_source, capacity_w, interval_minutes, time_zone, status, created_at, updated_at)
         SELECT id, 'MTR-' || lpad(no::text, 8, '0'), owner_id, 'zone-' || 1 + pg_temp.skewed(no, 107, 24), energy_source, capacity_w,
                CASE WHEN slots > 0 THEN 15 END, ${anyOf('no', 108, ['Asia/Bangkok', 'Asia/Bangkok', 'Europe/Berlin'])}, status,
                created_at, created_at
           FROM the_meters ORDER BY no`,
      'CREATE UNIQUE INDEX ON the_meters (no)',
      'ANALYZE the_meters',
    ];
  },
};

/** How many meters count at all, and about how many of them have most of the readings. */
function depthOf(meters: number, readings: number): { counting: number; busiest: number } {
  const deep = readings / READINGS_PER_METER;
  if (deep < FEWEST_COUNTING) return { counting: meters, busiest: Math.max(1, meters / 2_000) };
  const counting = Math.min(meters, deep);
  return { counting, busiest: counting / 50 };
}

/** Month by month and in the order of time, as readings arrive. */
const readings: TableFill = {
  table: 'meter_readings',
  with: ['meters', 'mints'],
  statements: (plan) => plan.months.map((month, place) => readingsOfMonth(plan, month, place)),
};

function readingsOfMonth(plan: FillPlan, month: string, place: number): string {
  const from = slotOf(`'${month} 00:00:00+00'::timestamptz`, plan);
  const to = slotOf(`'${month} 00:00:00+00'::timestamptz + interval '1 month'`, plan);
  const isPast = place < plan.months.length - 2;
  return `
    INSERT INTO meter_readings (meter_id, interval_start, interval_minutes, generated_wh, consumed_wh, surplus_wh, quality, user_id,
                                wallet_address, minted, mint_id, mint_tx_signature, certified, created_at, updated_at)
    SELECT meter_id, interval_start, 15, generated_wh, consumed_wh, surplus_wh,
           ${oneOf('pg_temp.chance(reading, 110)', { actual: 0.97, estimated: 0.025, substituted: 0.005 }, 'reading_quality')},
           user_id, wallet_address, mint IS NOT NULL,
           pg_temp.id_of(${firstInstant(plan)} + make_interval(days => day + 1, hours => 2), mint, 111),
           CASE WHEN pg_temp.chance(mint, 112) < 0.03 THEN pg_temp.signature_of(mint, 120) END,
           ${isPast ? `no < ${certifiedMeters(plan)}` : 'false'},
           interval_start + interval '15 minutes 3 seconds', interval_start + interval '15 minutes 3 seconds'
      FROM (SELECT *, greatest(0, generated_wh - consumed_wh) AS surplus_wh,
                   CASE WHEN generated_wh > consumed_wh AND is_due AND pg_temp.chance(no * 1000::bigint + day, 113) < 0.985
                        THEN no * 1000::bigint + day END AS mint
              FROM (SELECT m.no, m.id AS meter_id, m.owner_id AS user_id, m.wallet_address, m.no * 65536::bigint + slot AS reading,
                           (slot / ${SLOTS_PER_DAY})::integer AS day, ${firstInstant(plan)} + slot * interval '15 minutes' AS interval_start,
                           m.status = 'verified' AND slot < ${presentSlot(plan)} - ${UNMINTED_SLOTS} AS is_due,
                           ${generated('m.no * 65536::bigint + slot')} AS generated_wh,
                           60 + pg_temp.draw(m.no * 65536::bigint + slot, 115, 400) AS consumed_wh
                      FROM the_meters m
                     CROSS JOIN generate_series(greatest(m.first_slot, ${from}), least(m.first_slot + m.slots, ${to}) - 1) AS slot
                     ORDER BY slot, m.no) slots
            OFFSET 0) readings`;
}

/** Watt-hours of a quarter of an hour: solar as the sun over Bangkok allows (UTC+7), the others at any time. */
function generated(reading: string): string {
  const minute = `((slot * 15 + 420) % 1440)`;
  const sun = `CASE WHEN m.energy_source = 'solar' THEN greatest(0, (${minute} - 360) * (1080 - ${minute})) ELSE 64800 END`;
  return `m.capacity_w / 4 * (${sun}) / 129600 * (30 + pg_temp.draw(${reading}, 114, 71)) / 100`;
}

/** Each day's surplus of a meter became tokens once. */
const mints: TableFill = {
  table: 'mints',
  with: ['meter_readings'],
  statements: () => [
    `CREATE TEMP TABLE the_mints AS
       SELECT mint_id AS id, user_id, meter_id, sum(surplus_wh)::bigint AS energy_wh, min(interval_start) AS period_from,
              max(interval_start) + interval '15 minutes' AS period_to, count(*)::integer AS readings,
              max(mint_tx_signature) AS tx_signature, min(date_trunc('day', interval_start)) + interval '26 hours' AS created_at
         FROM meter_readings WHERE mint_id IS NOT NULL GROUP BY mint_id, user_id, meter_id`,
    `INSERT INTO mints (id, user_id, meter_id, energy_wh, period_from, period_to, readings, chain_status, tx_signature, created_at, updated_at)
       SELECT id, user_id, meter_id, energy_wh, period_from, period_to, readings,
              (CASE WHEN tx_signature IS NULL THEN 'none' ELSE 'finalized' END)::chain_status, tx_signature, created_at, created_at
         FROM the_mints ORDER BY id`,
  ],
};

const revisions: TableFill = {
  table: 'reading_revisions',
  with: ['meter_readings'],
  statements: (plan) => {
    const rows = plan.rows('reading_revisions');
    return [
      `INSERT INTO reading_revisions (id, meter_id, interval_start, previous_generated_wh, previous_consumed_wh, previous_quality,
                                      new_generated_wh, new_consumed_wh, new_quality, outcome, revised_by, created_at)
         SELECT pg_temp.id_of(pg_temp.moment(n.no, ${rows}, 390), n.no, 130), m.id,
                ${firstInstant(plan)} + (m.first_slot + pg_temp.draw(n.no, 131, greatest(1, m.slots))) * interval '15 minutes',
                pg_temp.draw(n.no, 132, 2000), pg_temp.draw(n.no, 133, 500), 'estimated', n.no, pg_temp.draw(n.no, 134, 500), 'actual',
                ${oneOf('pg_temp.chance(n.no, 135)', { replaced: 0.95, refused: 0.05 }, 'revision_outcome')}, m.owner_id,
                pg_temp.moment(n.no, ${rows}, 390)
           FROM generate_series(0, ${rows - 1}) AS n(no)
           JOIN the_meters m ON m.no = pg_temp.skewed(n.no, 136, ${plan.rows('meters')}, ${plan.rows('meters') / 50}) ORDER BY n.no`,
    ];
  },
};

export const meterFills: readonly TableFill[] = [meters, readings, mints, revisions];
