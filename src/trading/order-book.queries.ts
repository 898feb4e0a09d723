import { Injectable } from '@nestjs/common';
import type { EnergySource } from '../common/request-schemas';
import type { Price, WattHours } from '../common/units';
import type { Statement } from '../database/statement';
import type { Transaction } from '../database/transaction';
import type { MarketTerms } from './market-terms';
import { opposite, remainingOf, type OrderRequest, type RestingOrder, type Side } from './order';
import { LEAST_PRICE, MOST_PRICE } from './order-rules';
import { ORDER_COLUMNS, orderOf, type OrderRow } from './order-rows';

/** A market whose row this transaction holds: nobody else changes its orders until the end of it. */
export interface LockedMarket {
  readonly terms: MarketTerms;
  readonly sequence: bigint;
}

/** How far into one side of the book a set of orders can reach at most. */
export interface Reach {
  /** The side that the orders are on; they reach into the other one. */
  readonly side: Side;
  readonly worstPrice: Price;
  readonly energy: WattHours;
}

/** A place in one side of a book: orders after it have a worse price, or the same one and came later. */
type Position = Pick<RestingOrder, 'pricePerKwh' | 'sequence'>;

interface MarketRow {
  id: string;
  mechanism: MarketTerms['mechanism'];
  energy_source: EnergySource;
  tick: Price;
  lot_wh: WattHours;
  fee_bps: number;
  status: MarketTerms['status'];
  sequence: bigint;
  locked_at: Date;
}

/** Orders that are read of a side at first; a batch that reaches further reads on. */
export const FIRST_PAGE = 100;
const GROWTH = 4;

const ASKS = `
  SELECT ${ORDER_COLUMNS} FROM trading_orders
   WHERE market = $1 AND side = 'sell' AND status IN ('open', 'partially_filled')
     AND price_per_kwh <= $2 AND (expires_at IS NULL OR expires_at > $3)
     AND (price_per_kwh, sequence) > ($4, $5)
   ORDER BY price_per_kwh, sequence LIMIT $6`;

const BIDS = `
  SELECT ${ORDER_COLUMNS} FROM trading_orders
   WHERE market = $1 AND side = 'buy' AND status IN ('open', 'partially_filled')
     AND price_per_kwh >= $2 AND (expires_at IS NULL OR expires_at > $3)
     AND price_per_kwh <= $4 AND (price_per_kwh < $4 OR sequence > $5)
   ORDER BY price_per_kwh DESC, sequence LIMIT $6`;

/** Locks markets, and reads as much of their books as a batch needs. */
@Injectable()
export class OrderBookQueries {
  /**
   * Locks markets in the order of their ids, so that two batches never wait for each other in a circle.
   * @returns those that exist, by id, and the database's time once all are locked
   */
  async lockMarkets(
    tx: Transaction,
    ids: Iterable<string>,
  ): Promise<{ readonly markets: ReadonlyMap<string, LockedMarket>; readonly now: Date }> {
    // clock_timestamp() outside the locking part: the time must not be older than the wait for the lock.
    const rows = await tx.query<MarketRow>(
      `WITH locked AS MATERIALIZED (
         SELECT id, mechanism, energy_source, tick, lot_wh, fee_bps, status, sequence
           FROM markets WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE)
       SELECT id, mechanism, energy_source, tick, lot_wh, fee_bps, status, sequence, clock_timestamp() AS locked_at
         FROM locked`,
      [[...new Set(ids)]],
    );
    const now = rows.at(-1)?.locked_at ?? new Date();
    return {
      markets: new Map(rows.map((row) => [row.id, { terms: termsOf(row), sequence: row.sequence }])),
      now,
    };
  }

  /** The resting orders that orders of this market can meet, by the energy that they can take at most. */
  async within(tx: Transaction, market: string, reach: Reach, now: Date): Promise<RestingOrder[]> {
    const side = opposite(reach.side);
    const orders: RestingOrder[] = [];
    let energy = 0n;
    let last: Position | undefined;
    for (let size = FIRST_PAGE; energy < reach.energy; size *= GROWTH) {
      const { text, values } = bookPage(market, side, {
        worstPrice: reach.worstPrice,
        now,
        after: last,
        size,
      });
      const page = (await tx.query<OrderRow>(text, values)).map((row) => orderOf(row) as RestingOrder);
      for (const order of page) {
        orders.push(order);
        energy += remainingOf(order);
      }
      if (page.length < size) break;
      last = page.at(-1);
    }
    return orders;
  }
}

/**
 * One page of a side of a book, best orders first.
 * @param page.now orders whose time is over by then are left out
 * @param page.after where the page before ended; the best order is the first one without it
 */
export function bookPage(
  market: string,
  side: Side,
  page: { worstPrice: Price; now: Date; after?: Position | undefined; size: number },
): Statement {
  const { worstPrice, now, after = { pricePerKwh: beforeBest(side), sequence: 0n }, size } = page;
  return {
    text: side === 'sell' ? ASKS : BIDS,
    values: [market, worstPrice, now, after.pricePerKwh, after.sequence, size],
  };
}

/** How far the orders of one side reach together; undefined when there are none on it. */
export function reachOf(requests: readonly OrderRequest[], side: Side): Reach | undefined {
  const ofSide = requests.filter((request) => request.side === side);
  if (ofSide.length === 0) return undefined;
  const anyPrice = side === 'buy' ? MOST_PRICE : LEAST_PRICE;
  const worse = (one: Price, other: Price) => (one > other === (side === 'buy') ? one : other);
  return {
    side,
    worstPrice: ofSide.map(({ pricePerKwh }) => pricePerKwh ?? anyPrice).reduce(worse),
    energy: ofSide.reduce((sum, { quantityWh }) => sum + quantityWh, 0n) as WattHours,
  };
}

const beforeBest = (side: Side): Price => (side === 'sell' ? 0n : MOST_PRICE + 1n) as Price;

const termsOf = (row: MarketRow): MarketTerms => ({
  id: row.id,
  mechanism: row.mechanism,
  energySource: row.energy_source,
  tick: row.tick,
  lotWh: row.lot_wh,
  feeBps: row.fee_bps,
  status: row.status,
});
