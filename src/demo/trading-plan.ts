import {
  formatKwh,
  formatMoney,
  reserveFor,
  wattHours,
  type Money,
  type Price,
  type WattHours,
} from '../common/units';

/** What a meter counted in one interval, in Wh. */
export interface MeteredInterval {
  /** ISO 8601, UTC. */
  readonly start: string;
  readonly minutes: number;
  readonly generatedWh: bigint;
  readonly consumedWh: bigint;
}

/** An order as POST /api/trading/orders/batch takes it. */
export interface PlannedOrder {
  /** The same interval gives the same id: it is offered or bid once, however often it is replayed. */
  readonly clientOrderId: string;
  readonly market: string;
  readonly side: 'sell' | 'buy';
  readonly type: 'limit';
  readonly timeInForce: 'gtc' | 'ioc';
  readonly quantityKwh: string;
  readonly pricePerKwh: string;
}

/** Orders of one household, at most as many as a batch takes. */
export interface PlannedBatch {
  /** Its place in meters.csv. */
  readonly household: number;
  readonly orders: readonly PlannedOrder[];
}

/** What the bids of one household can cost at most on one day. */
export interface PlannedDeposit {
  readonly household: number;
  readonly day: string;
  readonly amount: Money;
}

/** One UTC day: what everybody sells, then what everybody buys. */
export interface TradingDay {
  readonly day: string;
  readonly batches: readonly PlannedBatch[];
  readonly deposits: readonly PlannedDeposit[];
}

/** Prices as somebody asked for them; undefined where the ladder decides. */
export interface Prices {
  readonly ask?: Price | undefined;
  readonly bid?: Price | undefined;
}

const BATCH_LIMIT = 1000;

/**
 * The ladder of prices: the first household asks 3.000 and bids 4.500, each next one asks 0.050 more and bids
 * 0.050 less. After sixteen it begins anew, so that the dearest ask still meets the lowest bid.
 */
const LOWEST_ASK = 3_000_000n;
const HIGHEST_BID = 4_500_000n;
const RUNG = 50_000n;
const RUNGS = 16;

const rung = (rank: number): bigint => BigInt(rank % RUNGS) * RUNG;

/** What the household asks per kWh. @param rank its place among those who generate, from 0 */
export const askOf = (rank: number, { ask }: Prices): Price => ask ?? ((LOWEST_ASK + rung(rank)) as Price);

/** What the household bids per kWh. @param rank its place among all, from 0 */
export const bidOf = (rank: number, { bid }: Prices): Price => bid ?? ((HIGHEST_BID - rung(rank)) as Price);

/**
 * Brings a neighbourhood to market, day by day: each interval's surplus is offered as an order that rests
 * until it is cancelled, each deficit is bid for and takes what there is at once. Within a day sellers come
 * first, and households in their order, so that the same readings always make the same trades.
 * @param intervals what each household's meter counted, households in the order of meters.csv
 */
export function planTrading(
  intervals: readonly (readonly MeteredInterval[])[],
  market: string,
  prices: Prices,
): TradingDay[] {
  const days = new Map<string, DayOrders>();
  let sellers = 0;
  for (const [household, counted] of intervals.entries()) {
    const ask = askOf(sellers, prices);
    const bid = bidOf(household, prices);
    if (counted.some((interval) => surplusOf(interval) > 0n)) sellers++;
    for (const interval of counted) place(days, household, interval, { market, ask, bid });
  }
  return [...days.entries()]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([day, { sells, buys, costs }]) => ({
      day,
      batches: [...batchesOf(sells), ...batchesOf(buys)],
      deposits: [...costs].map(([household, amount]) => ({ household, day, amount: amount as Money })),
    }));
}

interface DayOrders {
  readonly sells: Map<number, PlannedOrder[]>;
  readonly buys: Map<number, PlannedOrder[]>;
  readonly costs: Map<number, bigint>;
}

interface Terms {
  readonly market: string;
  readonly ask: Price;
  readonly bid: Price;
}

const surplusOf = ({ generatedWh, consumedWh }: MeteredInterval): bigint => generatedWh - consumedWh;

function place(
  days: Map<string, DayOrders>,
  household: number,
  interval: MeteredInterval,
  terms: Terms,
): void {
  const surplus = surplusOf(interval);
  if (surplus === 0n) return;
  const name = interval.start.slice(0, 10);
  const day: DayOrders = days.get(name) ?? { sells: new Map(), buys: new Map(), costs: new Map() };
  days.set(name, day);
  if (surplus > 0n) {
    append(day.sells, household, orderOf('sell', interval, wattHours(surplus), terms));
    return;
  }
  const deficit = wattHours(-surplus);
  append(day.buys, household, orderOf('buy', interval, deficit, terms));
  day.costs.set(household, (day.costs.get(household) ?? 0n) + reserveFor(deficit, terms.bid));
}

function orderOf(
  side: 'sell' | 'buy',
  { start }: MeteredInterval,
  energy: WattHours,
  terms: Terms,
): PlannedOrder {
  return {
    clientOrderId: `replay-${side}-${start.replaceAll(/[^0-9TZ]/g, '')}`,
    market: terms.market,
    side,
    type: 'limit',
    timeInForce: side === 'sell' ? 'gtc' : 'ioc',
    quantityKwh: formatKwh(energy),
    pricePerKwh: formatMoney(side === 'sell' ? terms.ask : terms.bid),
  };
}

function append(orders: Map<number, PlannedOrder[]>, household: number, order: PlannedOrder): void {
  const before = orders.get(household);
  if (before === undefined) orders.set(household, [order]);
  else before.push(order);
}

/** Orders of a household in the order of time, in batches that the market takes. */
function batchesOf(ordersOf: ReadonlyMap<number, readonly PlannedOrder[]>): PlannedBatch[] {
  return [...ordersOf].flatMap(([household, orders]) => {
    const inTime = [...orders].sort((one, other) => (one.clientOrderId < other.clientOrderId ? -1 : 1));
    const count = Math.ceil(inTime.length / BATCH_LIMIT);
    return Array.from({ length: count }, (_, index) => ({
      household,
      orders: inTime.slice(index * BATCH_LIMIT, (index + 1) * BATCH_LIMIT),
    }));
  });
}
