import { z } from 'zod';
import { pageOf } from './api-values';
import type { Member } from './household-account';
import { inParallel } from './parallel';
import { WIDTH, type ReplayRun } from './replay-run';
import type { MeteredInterval, PlannedBatch, TradingDay } from './trading-plan';

/** What became of the orders of a run. */
export interface OrderCounts {
  placed: number;
  /** Placed before, by an earlier run. */
  before: number;
  refused: number;
  /** The first of those refused, for people. */
  readonly refusals: string[];
}

const SHOWN_REFUSALS = 5;

const readings = pageOf(
  z.object({
    intervalStart: z.iso.datetime(),
    intervalMinutes: z.int(),
    generatedWh: z.int().transform(BigInt),
    consumedWh: z.int().transform(BigInt),
  }),
);
const answers = z.object({
  items: z.array(
    z.union([
      z.object({ status: z.literal(201) }),
      z.object({ status: z.int(), error: z.object({ code: z.string(), detail: z.string() }) }),
    ]),
  ),
});

type OrderAnswer = z.output<typeof answers>['items'][number];

/** What the server holds of each member's meter: what is traded is what was accepted. Oldest first. */
export function meteredIntervals(
  { progress }: ReplayRun,
  members: readonly Member[],
): Promise<MeteredInterval[][]> {
  progress.begin('Reading back intervals', members.length);
  return inParallel(members, WIDTH, async ({ api, meterId }) => {
    const intervals: MeteredInterval[] = [];
    for await (const some of api.pages(`/api/meters/readings?meterId=${meterId}`, readings)) {
      for (const { intervalStart, intervalMinutes, generatedWh, consumedWh } of some) {
        intervals.push({ start: intervalStart, minutes: intervalMinutes, generatedWh, consumedWh });
      }
    }
    progress.advance();
    return intervals.reverse();
  });
}

/**
 * Lets the days trade, one after the other. Batches go one at a time: in the same order they always make
 * the same trades, also when a run was stopped between two of them. An order that was placed before, by an
 * earlier run or by a request whose answer was lost, is known by its clientOrderId and not placed again.
 */
export async function trade(
  { progress }: ReplayRun,
  members: readonly Member[],
  days: readonly TradingDay[],
): Promise<OrderCounts> {
  const counts: OrderCounts = { placed: 0, before: 0, refused: 0, refusals: [] };
  progress.begin(
    'Trading',
    days.reduce((sum, { batches }) => sum + ordersIn(batches), 0),
  );
  for (const { batches } of days) {
    for (const { household, orders } of batches) {
      const {
        api,
        household: { serial },
      } = memberAt(members, household);
      const { items } = await api.post('/api/trading/orders/batch', { orders }, answers);
      for (const [index, answer] of items.entries())
        count(counts, answer, `${serial} ${orders[index]?.clientOrderId}`);
      progress.advance(orders.length);
    }
  }
  return counts;
}

const ordersIn = (batches: readonly PlannedBatch[]): number =>
  batches.reduce((sum, { orders }) => sum + orders.length, 0);

function count(counts: OrderCounts, answer: OrderAnswer, order: string): void {
  if (!('error' in answer)) counts.placed++;
  else if (answer.error.code === 'CLIENT_ORDER_ID_TAKEN') counts.before++;
  else {
    counts.refused++;
    const { code, detail } = answer.error;
    if (counts.refusals.length < SHOWN_REFUSALS) counts.refusals.push(`${order}: ${detail} (${code})`);
  }
}

function memberAt(members: readonly Member[], household: number): Member {
  const member = members[household];
  if (member === undefined)
    throw new Error(`There is no household ${household} in a plan for ${members.length}`);
  return member;
}
