import { oneOf } from './randomness';
import type { FillPlan, TableFill } from './table-fill';

/** How trade spreads over the markets. */
const MARKETS = {
  solar: 0.5,
  wind: 0.2,
  hydro: 0.12,
  biomass: 0.07,
  'solar-auction': 0.05,
  geothermal: 0.03,
  mixed: 0.03,
};
const DAYS = 400;
/** More than there are to be: some would be with oneself. They are numbered after the orders. */
const drawnTrades = (plan: FillPlan): number => Math.ceil(plan.rows('trades') * 1.05) + 200;
const EPOCH_MINUTES = 15;

const markets: TableFill = {
  table: 'markets',
  with: [],
  statements: (plan) => [
    `INSERT INTO markets (id, mechanism, energy_source, fee_bps, status, sequence)
       SELECT source || suffix, mechanism::market_mechanism, source, 100, status::market_status,
              ${plan.rows('trading_orders') + drawnTrades(plan)}
         FROM unnest(enum_range(NULL::energy_source)) AS source,
              (VALUES ('', 'continuous', 'open'), ('-auction', 'auction', 'halted')) AS kinds(suffix, mechanism, status)
       ON CONFLICT (id) DO UPDATE SET sequence = greatest(markets.sequence, excluded.sequence)`,
  ],
};

/** The auctions' quarters of hours, backwards from the present one. */
const epochs: TableFill = {
  table: 'market_epochs',
  with: ['markets'],
  statements: (plan) => {
    const rows = plan.rows('market_epochs');
    return [
      `CREATE TEMP TABLE the_epochs AS
         SELECT no, market, starts_at, pg_temp.id_of(starts_at, no, 300) AS id
           FROM (SELECT no, (ARRAY['solar', 'wind', 'hydro', 'biomass', 'geothermal', 'mixed'])[1 + no % 6] || '-auction' AS market,
                        date_bin('${EPOCH_MINUTES} minutes', pg_temp.present(), '2020-01-01')
                          - (${rows - 1} - no) / 6 * interval '${EPOCH_MINUTES} minutes' AS starts_at
                   FROM generate_series(0, ${rows - 1}) AS no) e`,
      `INSERT INTO market_epochs (id, market, starts_at, ends_at, status, clearing_price, volume_wh, created_at, updated_at)
         SELECT id, market, starts_at, ends_at, (CASE WHEN ends_at > pg_temp.present() THEN 'open' ELSE 'cleared' END)::market_epoch_status,
                CASE WHEN ends_at <= pg_temp.present() AND crossed THEN 1000 * (3000 + pg_temp.draw(no, 302, 1500)) END,
                CASE WHEN ends_at <= pg_temp.present() AND crossed THEN 1000 + pg_temp.draw(no, 303, 90000) ELSE 0 END, starts_at, starts_at
           FROM (SELECT *, starts_at + interval '${EPOCH_MINUTES} minutes' AS ends_at, pg_temp.chance(no, 301) < 0.7 AS crossed
                   FROM the_epochs) e
          ORDER BY no`,
      'CREATE INDEX ON the_epochs (market, starts_at)',
      'ANALYZE the_epochs',
    ];
  },
};

/** Nearly all are at their end; what rests is mostly recent, and bids rest below asks. Few traders place thousands. */
const orders: TableFill = {
  table: 'trading_orders',
  with: ['users', 'markets'],
  statements: (plan) => [
    `CREATE TEMP TABLE the_orders AS
       SELECT o.no, pg_temp.id_of(o.created_at, o.no, 310) AS id, u.id AS user_id, market, side, kind, status, fate, o.created_at, quantity_wh,
              CASE WHEN status = 'filled' THEN quantity_wh WHEN status = 'partially_filled' OR fate > 0.97 THEN quantity_wh / 3 ELSE 0 END
                AS filled_wh,
              CASE WHEN kind <> 'market' THEN 1000 * (4000 + (1 + pg_temp.skewed(o.no, 311, 1500)) * CASE side WHEN 'buy' THEN -1 ELSE 1 END) END
                AS price_per_kwh,
              status IN ('open', 'partially_filled') AS rests
         FROM (${orderTerms(plan)}) o
         JOIN the_users u ON u.rank = pg_temp.skewed(o.no, 320, ${plan.rows('users')}, 10)`,
    `INSERT INTO trading_orders (id, user_id, market, side, type, time_in_force, price_per_kwh, max_amount, quantity_wh, filled_wh,
                                 filled_amount, reserved_amount, status, reason, sequence, changed_sequence, expires_at, filled_at,
                                 client_order_id, created_at, updated_at)
       SELECT id, user_id, market, side::trading_order_side, (CASE kind WHEN 'market' THEN 'market' ELSE 'limit' END)::trading_order_type,
              (CASE kind WHEN 'market' THEN 'ioc' ELSE kind END)::trading_order_time_in_force, price_per_kwh,
              CASE WHEN kind = 'market' AND side = 'buy' THEN quantity_wh * 5000 END, quantity_wh, filled_wh,
              filled_wh * coalesce(price_per_kwh, 4000000) / 1000,
              CASE WHEN NOT rests THEN 0 WHEN side = 'sell' THEN quantity_wh - filled_wh
                   ELSE ((quantity_wh - filled_wh) * price_per_kwh + 999) / 1000 END,
              status::trading_order_status, ${REASON}::trading_order_reason, no + 1, no + 1, ${EXPIRES_AT},
              CASE WHEN status = 'filled' THEN ${ENDED_AT} END, CASE WHEN pg_temp.chance(no, 321) < 0.05 THEN 'client ' || no END,
              created_at, ${ENDED_AT}
         FROM the_orders ORDER BY no`,
    'ANALYZE the_orders',
  ],
};

const REASON = `(CASE WHEN status = 'cancelled' AND kind IN ('market', 'ioc') THEN 'no_liquidity' WHEN status = 'cancelled' THEN 'cancelled_by_owner'
                      WHEN status = 'expired' THEN 'expired' WHEN status = 'rejected' THEN 'not_fillable' END)`;
const ENDED_AT = `least(pg_temp.present(), created_at + make_interval(secs => 7200 * fate))`;
/** One in a hundred of those that rest is due. */
const EXPIRES_AT = `CASE WHEN kind <> 'gtd' THEN NULL WHEN rests THEN pg_temp.present() + make_interval(secs => 864000 * (pg_temp.chance(no, 322) - 0.01))
                         ELSE created_at + make_interval(secs => 7200 + 604800 * pg_temp.chance(no, 322)) END`;

function orderTerms(plan: FillPlan): string {
  const rows = plan.rows('trading_orders');
  return `
    SELECT *, CASE WHEN kind IN ('gtc', 'gtd') AND rest < CASE WHEN no > ${rows} * 0.9 THEN 0.3 ELSE 0.003 END
                     THEN CASE WHEN fate < 0.6 THEN 'open' ELSE 'partially_filled' END
                   WHEN fate < 0.65 THEN 'filled' WHEN kind = 'fok' THEN 'rejected' WHEN kind = 'gtd' AND fate > 0.8 THEN 'expired'
                   ELSE 'cancelled' END AS status
      FROM (SELECT no, pg_temp.moment(no, ${rows}, ${DAYS}) AS created_at, ${oneOf('pg_temp.chance(no, 312)', MARKETS)} AS market,
                   ${oneOf('pg_temp.chance(no, 313)', { buy: 0.5, sell: 0.5 })} AS side,
                   ${oneOf('pg_temp.chance(no, 314)', { market: 0.03, ioc: 0.04, fok: 0.01, gtd: 0.12, gtc: 0.8 })} AS kind,
                   pg_temp.chance(no, 315) AS rest, pg_temp.chance(no, 316) AS fate, 100 + 50 * pg_temp.skewed(no, 317, 2000) AS quantity_wh
              FROM generate_series(0, ${rows - 1}) AS no) drawn`;
}

/** Each brings together a buy and a sell of one market that were placed at about its time. */
const trades: TableFill = {
  table: 'trades',
  with: ['trading_orders', 'market_epochs'],
  statements: (plan) => {
    const rows = plan.rows('trades');
    const drawn = drawnTrades(plan);
    const fill = (side: string, salt: number): string => `
      JOIN the_fills ${side} ON ${side}.market = n.market AND ${side}.side = '${side}'
       AND ${side}.place = least(c.${side}s - 1, floor(n.no::double precision / ${drawn} * c.${side}s)::bigint + pg_temp.draw(n.no, ${salt}, 5))`;
    return [
      `CREATE TEMP TABLE the_fills AS
         SELECT market, side, row_number() OVER (PARTITION BY market, side ORDER BY no) - 1 AS place, id, user_id
           FROM the_orders WHERE filled_wh > 0`,
      'ANALYZE the_fills',
      `INSERT INTO trades (id, market, buy_order_id, sell_order_id, buyer_id, seller_id, quantity_wh, price_per_kwh, amount, fee, epoch_id,
                           sequence, executed_at, created_at)
         SELECT pg_temp.id_of(executed_at, t.no, 330), t.market, buy_order_id, sell_order_id, buyer_id, seller_id, quantity_wh, price_per_kwh,
                quantity_wh * price_per_kwh / 1000, quantity_wh * price_per_kwh / 1000 / 100, e.id, ${plan.rows('trading_orders')} + t.no + 1,
                executed_at, executed_at
           FROM (SELECT n.no, n.market, buy.id AS buy_order_id, sell.id AS sell_order_id, buy.user_id AS buyer_id, sell.user_id AS seller_id,
                        100 + 10 * pg_temp.skewed(n.no, 331, 2000) AS quantity_wh, 1000 * (3500 + pg_temp.draw(n.no, 332, 1000)) AS price_per_kwh,
                        pg_temp.moment(n.no, ${drawn}, ${DAYS}) AS executed_at
                   FROM (SELECT no, ${oneOf('pg_temp.chance(no, 333)', MARKETS)} AS market FROM generate_series(0, ${drawn - 1}) AS no) n
                   JOIN (SELECT market, count(*) FILTER (WHERE side = 'buy') AS buys, count(*) FILTER (WHERE side = 'sell') AS sells
                           FROM the_fills GROUP BY market) c ON c.market = n.market
                   ${fill('buy', 334)} ${fill('sell', 335)}
                  WHERE buy.user_id <> sell.user_id ORDER BY n.no DESC LIMIT ${rows}) t
           LEFT JOIN the_epochs e ON e.market = t.market AND e.starts_at = date_bin('${EPOCH_MINUTES} minutes', executed_at, '2020-01-01')
          ORDER BY t.no`,
    ];
  },
};

export const tradingFills: readonly TableFill[] = [markets, epochs, orders, trades];
