import { oneOf } from './randomness';
import type { TableFill } from './table-fill';

const DAYS = 400;
const SOURCES = { solar: 0.62, wind: 0.16, hydro: 0.1, biomass: 0.06, mixed: 0.04, geothermal: 0.02 };
const sourceOf = (offer: string): string => oneOf(`pg_temp.chance(${offer}, 406)`, SOURCES, 'energy_source');

/** Nine of ten are over; those that are active mostly offer a few hours of the coming days. */
const offers: TableFill = {
  table: 'energy_offers',
  with: ['users'],
  statements: (plan) => {
    const rows = plan.rows('energy_offers');
    return [
      `CREATE TEMP TABLE the_offers AS
         SELECT o.no, pg_temp.id_of(o.created_at, o.no, 400) AS id, u.id AS seller_id, o.created_at, available_from, available_until, amount_wh,
                CASE WHEN available_until > pg_temp.present() THEN ${oneOf('fate', { active: 0.75, sold: 0.18, cancelled: 0.07 })}
                     WHEN fate < 0.0003 THEN 'active' ELSE ${oneOf('fate', { sold: 0.6, cancelled: 0.08, expired: 0.32 })} END AS status
           FROM (SELECT *, available_from + make_interval(hours => 2 + pg_temp.skewed(no, 401, 46, 1)::integer) AS available_until
                   FROM (SELECT no, created_at, created_at + make_interval(secs => 1036800 * pg_temp.chance(no, 402)) AS available_from,
                                100 + 100 * pg_temp.skewed(no, 403, 1000) AS amount_wh, pg_temp.chance(no, 404) AS fate
                           FROM (SELECT no, pg_temp.moment(no, ${rows}, ${DAYS}) AS created_at FROM generate_series(0, ${rows - 1}) AS no) n) w) o
           JOIN the_users u ON u.rank = pg_temp.skewed(o.no, 405, ${plan.rows('users')})`,
      `INSERT INTO energy_offers (id, seller_id, energy_source, amount_wh, remaining_wh, price_per_kwh, available_from, available_until, status,
                                  created_at, updated_at)
         SELECT id, seller_id, ${sourceOf('no')}, amount_wh,
                CASE WHEN status = 'sold' THEN 0 WHEN pg_temp.chance(no, 407) < 0.2 THEN amount_wh / 2 ELSE amount_wh END,
                1000 * (2500 + pg_temp.draw(no, 408, 3000)), available_from, available_until, status::energy_offer_status, created_at, created_at
           FROM the_offers ORDER BY no`,
      'CREATE UNIQUE INDEX ON the_offers (no)',
      'ANALYZE the_offers',
    ];
  },
};

/** Open for a week at most; one in a hundred of the open ones is due. */
const orders: TableFill = {
  table: 'energy_orders',
  with: ['users'],
  statements: (plan) => {
    const rows = plan.rows('energy_orders');
    return [
      `CREATE TEMP TABLE the_energy_orders AS
         SELECT o.no, pg_temp.id_of(o.created_at, o.no, 420) AS id, u.id AS buyer_id, o.created_at, o.created_at + interval '7 days' AS expires_at,
                100 + 100 * pg_temp.skewed(o.no, 421, 1000) AS amount_wh, 1000 * (2500 + pg_temp.draw(o.no, 422, 3000)) AS price,
                CASE WHEN o.created_at > pg_temp.present() - interval '7 days' THEN ${oneOf('fate', { pending: 0.3, partially_filled: 0.15, filled: 0.4, cancelled: 0.15 })}
                     WHEN fate < 0.0003 THEN 'pending' ELSE ${oneOf('fate', { filled: 0.7, expired: 0.2, cancelled: 0.1 })} END AS status
           FROM (SELECT no, pg_temp.moment(no, ${rows}, ${DAYS}) AS created_at, pg_temp.chance(no, 423) AS fate
                   FROM generate_series(0, ${rows - 1}) AS no) o
           JOIN the_users u ON u.rank = pg_temp.skewed(o.no, 424, ${plan.rows('users')}, 10)`,
      `INSERT INTO energy_orders (id, buyer_id, amount_wh, filled_wh, max_price_per_kwh, preferred_source, status, reserved_amount, expires_at,
                                  created_at, updated_at)
         SELECT id, buyer_id, amount_wh, CASE status WHEN 'filled' THEN amount_wh WHEN 'partially_filled' THEN amount_wh / 4 ELSE 0 END, price,
                CASE WHEN pg_temp.chance(no, 425) < 0.4 THEN ${oneOf('pg_temp.chance(no, 426)', SOURCES, 'energy_source')} END,
                status::energy_order_status,
                CASE status WHEN 'pending' THEN (amount_wh * price + 999) / 1000
                            WHEN 'partially_filled' THEN ((amount_wh - amount_wh / 4) * price + 999) / 1000 ELSE 0 END,
                expires_at, created_at, created_at
           FROM the_energy_orders ORDER BY no`,
      'CREATE UNIQUE INDEX ON the_energy_orders (no)',
      'ANALYZE the_energy_orders',
    ];
  },
};

/** Completed at once for the most part; few wait, and few are on a chain. */
const transactions: TableFill = {
  table: 'energy_transactions',
  with: ['energy_offers', 'energy_orders'],
  statements: (plan) => {
    const rows = plan.rows('energy_transactions');
    const drawn = Math.ceil(rows * 1.05) + 200; // some would be with oneself
    const [offerRows, orderRows] = [plan.rows('energy_offers'), plan.rows('energy_orders')];
    // Offers of one block are bought from at about the same time, and those that sell well some hundred times.
    const block = Math.max(1, Math.min(1000, Math.floor(offerRows / 20)));
    return [
      `INSERT INTO energy_transactions (id, offer_id, order_id, seller_id, buyer_id, energy_source, amount_wh, price, total, fee, status, settled_at,
                                        blockchain_tx_signature, created_at, updated_at)
         SELECT pg_temp.id_of(at, no, 430), offer_id, order_id, seller_id, buyer_id, energy_source, amount_wh, price, amount_wh * price / 1000,
                amount_wh * price / 100000, status::energy_transaction_status, CASE status WHEN 'completed' THEN at + interval '1 second' END,
                CASE WHEN pg_temp.chance(no, 431) < 0.03 THEN pg_temp.signature_of(no, 440) END, at, at
           FROM (SELECT n.no, o.id AS offer_id, d.id AS order_id, o.seller_id, coalesce(d.buyer_id, u.id) AS buyer_id,
                        ${sourceOf('o.no')} AS energy_source,
                        100 + 10 * pg_temp.skewed(n.no, 432, 1000) AS amount_wh, 1000 * (2500 + pg_temp.draw(n.no, 433, 3000)) AS price,
                        pg_temp.moment(n.no, ${drawn}, ${DAYS}) AS at,
                        ${oneOf('pg_temp.chance(n.no, 434)', { pending: 0.003, processing: 0.002, failed: 0.01, cancelled: 0.015, completed: 0.97 })} AS status
                   FROM generate_series(0, ${drawn - 1}) AS n(no)
                   JOIN the_offers o
                     ON o.no = least(${offerRows - 1}, floor(n.no::double precision / ${drawn} * ${offerRows})::bigint / ${block} * ${block}
                                                      + pg_temp.skewed(n.no, 435, ${block}))
                   JOIN the_users u ON u.rank = pg_temp.skewed(n.no, 436, ${plan.rows('users')})
                   LEFT JOIN the_energy_orders d
                     ON pg_temp.chance(n.no, 437) < 0.3 AND d.no = floor(n.no::double precision / ${drawn} * ${orderRows})::bigint
                  WHERE o.seller_id <> coalesce(d.buyer_id, u.id) ORDER BY n.no DESC LIMIT ${rows}) t
          ORDER BY no`,
    ];
  },
};

export const marketplaceFills: readonly TableFill[] = [offers, orders, transactions];
