import { Injectable } from '@nestjs/common';
import { CacheService } from '../cache/cache.service';
import {
  decodeCursor,
  INTEGER_SHAPE,
  pageOf,
  UUID_SHAPE,
  type Page,
  type PageRequest,
} from '../common/cursor';
import { NotFound } from '../common/domain-error';
import { formatKwh, formatMoney, type Money, type Price, type WattHours } from '../common/units';
import { DatabaseService } from '../database/database.service';
import { MARKET_ID_SHAPE } from './market-terms';
import { marketView } from './markets.service';
import type { Side } from './order';
import { marketData, marketDepth, marketList } from './trading.cache';
import {
  moneyOrNull,
  type LevelView,
  type MarketDataView,
  type OrderBookView,
  type PublicTradeView,
} from './trading.views';

type MarketDataRow = Parameters<typeof marketView>[0] & {
  last_price: Price | null;
  volume: WattHours;
  vwap: Price | null;
  high: Price | null;
  low: Price | null;
};

interface LevelRow {
  sequence: bigint;
  side: Side | null;
  price: Price;
  quantity: WattHours;
  orders: number;
}

interface TradeRow {
  id: string;
  market: string;
  quantity_wh: WattHours;
  price_per_kwh: Price;
  amount: Money;
  sequence: bigint;
  executed_at: Date;
}

const TRADE_COLUMNS = 'id, market, quantity_wh, price_per_kwh, amount, sequence, executed_at';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const LAST_SEQUENCE = (2n ** 63n - 1n).toString();

const MARKET_DATA = `
  SELECT m.id, m.mechanism, m.energy_source, m.tick, m.lot_wh, m.fee_bps, m.status,
         last.price AS last_price, day.volume, day.vwap, day.high, day.low
    FROM markets m
    LEFT JOIN LATERAL (SELECT price_per_kwh AS price FROM trades WHERE market = m.id ORDER BY sequence DESC LIMIT 1) last ON true
   CROSS JOIN LATERAL (
     SELECT coalesce(sum(quantity_wh), 0)::bigint AS volume, max(price_per_kwh) AS high, min(price_per_kwh) AS low,
            div(sum(quantity_wh::numeric * price_per_kwh), sum(quantity_wh))::bigint AS vwap
       FROM trades WHERE market = m.id AND executed_at > now() - interval '24 hours') day`;

/** What everybody may see of the markets: prices, depth and trades, without names. */
@Injectable()
export class MarketDataService {
  constructor(
    private readonly database: DatabaseService,
    private readonly cache: CacheService,
  ) {}

  /** All markets by id; the first page is cached. */
  list({ limit, cursor }: PageRequest): Promise<Page<MarketDataView>> {
    if (cursor === undefined)
      return this.cache.getOrCompute(marketList(limit), () => this.loadPage(limit, ''));
    const [after = ''] = decodeCursor(cursor, [MARKET_ID_SHAPE]);
    return this.loadPage(limit, after);
  }

  /** @throws NotFound */
  one(market: string): Promise<MarketDataView> {
    return this.cache.getOrCompute(marketData(market), async () => {
      const [row] = await this.database.query<MarketDataRow>(`${MARKET_DATA} WHERE m.id = $1`, [market]);
      if (row === undefined) throw new NotFound('market');
      return marketDataView(row);
    });
  }

  /**
   * The best prices of both sides with what rests at them. Orders whose time is over are left out.
   * @throws NotFound
   */
  book(market: string, depth: number): Promise<OrderBookView> {
    return this.cache.getOrCompute(marketDepth(market, depth), () => this.loadBook(market, depth));
  }

  /**
   * Trades of a market, or of all, newest first.
   * @throws NotFound when there is no such market
   */
  trades({
    market,
    ...page
  }: PageRequest & { readonly market?: string | undefined }): Promise<Page<PublicTradeView>> {
    return market === undefined ? this.tradesOfAll(page) : this.tradesOf(market, page);
  }

  private async tradesOfAll({ limit, cursor }: PageRequest): Promise<Page<PublicTradeView>> {
    const [before = LAST_ID] = cursor === undefined ? [] : decodeCursor(cursor, [UUID_SHAPE]);
    const rows = await this.readTape(
      cursor,
      `SELECT ${TRADE_COLUMNS} FROM trades WHERE id < $1 ORDER BY id DESC LIMIT $2`,
      [before, limit + 1],
    );
    return pageOf(rows, limit, ({ id }) => [id], tradeView);
  }

  private async tradesOf(market: string, { limit, cursor }: PageRequest): Promise<Page<PublicTradeView>> {
    const [before = LAST_SEQUENCE] = cursor === undefined ? [] : decodeCursor(cursor, [INTEGER_SHAPE]);
    const rows = await this.readTape(
      cursor,
      `SELECT ${TRADE_COLUMNS} FROM trades
        WHERE market = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT $3`,
      [market, before, limit + 1],
    );
    if (rows.length === 0) await this.one(market);
    return pageOf(rows, limit, ({ sequence }) => [String(sequence)], tradeView);
  }

  /** What everybody sees of the latest trades may be seconds old; a trader finds their own in the history of their orders. */
  private readTape(cursor: string | undefined, text: string, values: unknown[]): Promise<TradeRow[]> {
    return cursor === undefined
      ? this.database.queryStale<TradeRow>(text, values)
      : this.database.query<TradeRow>(text, values);
  }

  private async loadPage(limit: number, after: string): Promise<Page<MarketDataView>> {
    const rows = await this.database.query<MarketDataRow>(
      `${MARKET_DATA} WHERE m.id > $1 ORDER BY m.id LIMIT $2`,
      [after, limit + 1],
    );
    return pageOf(rows, limit, ({ id }) => [id], marketDataView);
  }

  /** One statement: the levels are those of the sequence that is shown with them. */
  private async loadBook(market: string, depth: number): Promise<OrderBookView> {
    const rows = await this.database.query<LevelRow>(
      `SELECT m.sequence, level.side, level.price, level.quantity, level.orders
         FROM markets m
         LEFT JOIN LATERAL (
           (SELECT 'buy' AS side, price_per_kwh AS price, sum(quantity_wh - filled_wh)::bigint AS quantity,
                   count(*)::integer AS orders
              FROM trading_orders
             WHERE market = $1 AND side = 'buy' AND status IN ('open', 'partially_filled')
               AND (expires_at IS NULL OR expires_at > now())
             GROUP BY price_per_kwh ORDER BY price_per_kwh DESC LIMIT $2)
           UNION ALL
           (SELECT 'sell', price_per_kwh, sum(quantity_wh - filled_wh)::bigint, count(*)::integer
              FROM trading_orders
             WHERE market = $1 AND side = 'sell' AND status IN ('open', 'partially_filled')
               AND (expires_at IS NULL OR expires_at > now())
             GROUP BY price_per_kwh ORDER BY price_per_kwh LIMIT $2)) level ON true
        WHERE m.id = $1
        ORDER BY level.side, CASE level.side WHEN 'buy' THEN -level.price ELSE level.price END`,
      [market, depth],
    );
    const [first] = rows;
    if (first === undefined) throw new NotFound('market');
    const levels = (side: Side) => rows.filter((row) => row.side === side).map(levelView);
    return { market, sequence: Number(first.sequence), bids: levels('buy'), asks: levels('sell') };
  }
}

const levelView = ({ price, quantity, orders }: LevelRow): LevelView => ({
  pricePerKwh: formatMoney(price),
  quantityKwh: formatKwh(quantity),
  orders,
});

const marketDataView = (row: MarketDataRow): MarketDataView => ({
  ...marketView(row),
  lastPricePerKwh: moneyOrNull(row.last_price),
  volume24hKwh: formatKwh(row.volume),
  vwap: moneyOrNull(row.vwap),
  high: moneyOrNull(row.high),
  low: moneyOrNull(row.low),
});

const tradeView = (row: TradeRow): PublicTradeView => ({
  id: row.id,
  market: row.market,
  quantityKwh: formatKwh(row.quantity_wh),
  pricePerKwh: formatMoney(row.price_per_kwh),
  amount: formatMoney(row.amount),
  sequence: Number(row.sequence),
  executedAt: row.executed_at.toISOString(),
});
