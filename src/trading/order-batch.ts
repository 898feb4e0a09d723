import type { DomainError } from '../common/domain-error';
import { newId } from '../common/id';
import type { Money, WattHours } from '../common/units';
import { InsufficientBalance } from '../ledger/ledger.errors';
import type { Asset, Transfer } from '../ledger/transfer';
import type { Funds } from './funds';
import type { MarketTerms } from './market-terms';
import type { Execution, Order, OrderRequest, RestingOrder } from './order';
import { match } from './order-matching';
import { OrderBook } from './order-book';
import { assetsOf, demandOf, end, payingAccount, rest, settle, type Assets } from './order-settlement';

/** A market as a batch finds it: its terms, how far its sequence is, and what rests within reach. */
export interface MarketState {
  readonly market: MarketTerms;
  readonly sequence: bigint;
  readonly resting: readonly RestingOrder[];
}

/** An order of a user that keeps the market's rules. */
export interface Submission {
  readonly userId: string;
  readonly request: OrderRequest;
}

/** What became of a submission: the order as the batch left it with its executions, or why it was refused. */
export type Outcome =
  { readonly order: Order; readonly executions: readonly Execution[] } | { readonly refusal: DomainError };

/** All that a batch did, in the order it happened; nothing of it is written yet. */
export interface BatchResult {
  readonly outcomes: readonly Outcome[];
  readonly placed: readonly Order[];
  /** Orders that rested before the batch and were changed by it. */
  readonly changed: readonly RestingOrder[];
  readonly executions: readonly Execution[];
  readonly transfers: readonly Transfer[];
  readonly sequences: ReadonlyMap<string, bigint>;
}

interface Trading {
  readonly market: MarketTerms;
  readonly assets: Assets;
  readonly book: OrderBook;
  sequence: bigint;
}

/**
 * Lets orders into their markets one after the other: each is reserved, matched and settled before the next
 * one comes. Works on copies, so that the same batch can be rehearsed to learn what it touches.
 */
export function runBatch(
  submissions: readonly Submission[],
  states: readonly MarketState[],
  currency: Asset,
  funds: Funds,
  now: Date,
): BatchResult {
  const batch = new Batch(states, currency, funds, now);
  const outcomes = submissions.map((submission) => batch.place(submission));
  return batch.result(outcomes);
}

class Batch {
  private readonly markets: ReadonlyMap<string, Trading>;
  private readonly placed = new Map<string, { readonly order: Order; readonly executions: Execution[] }>();
  private readonly changed = new Map<string, RestingOrder>();
  private readonly executions: Execution[] = [];
  private readonly transfers: Transfer[] = [];

  constructor(
    states: readonly MarketState[],
    currency: Asset,
    private readonly funds: Funds,
    private readonly now: Date,
  ) {
    this.markets = new Map(
      states.map(({ market, sequence, resting }) => [
        market.id,
        { market, sequence, assets: assetsOf(market, currency), book: new OrderBook(resting) },
      ]),
    );
  }

  place({ userId, request }: Submission): Outcome {
    const trading = this.markets.get(request.market);
    if (trading === undefined) throw new Error(`Market ${request.market} is not part of this batch`);
    const account = payingAccount({ side: request.side, userId }, trading.assets);
    const needed = demandOf({ ...request, filledWh: 0n as WattHours, filledAmount: 0n as Money });
    const missing = this.funds.shortage(account, needed);
    if (missing !== undefined) {
      return { refusal: new InsufficientBalance(userId, account.asset, needed, needed - missing) };
    }
    const order = this.accept(userId, request, trading);
    const outcome = { order, executions: [] };
    this.placed.set(order.id, outcome);
    this.trade(order, trading);
    return outcome;
  }

  result(outcomes: readonly Outcome[]): BatchResult {
    return {
      outcomes,
      placed: [...this.placed.values()].map(({ order }) => order),
      changed: [...this.changed.values()],
      executions: this.executions,
      transfers: this.transfers,
      sequences: new Map([...this.markets.values()].map(({ market, sequence }) => [market.id, sequence])),
    };
  }

  private accept(userId: string, request: OrderRequest, trading: Trading): Order {
    const sequence = ++trading.sequence;
    return {
      id: newId(),
      userId,
      filledWh: 0n as WattHours,
      filledAmount: 0n as Money,
      reservedAmount: 0n,
      status: 'open',
      reason: null,
      sequence,
      changedSequence: sequence,
      filledAt: null,
      createdAt: this.now,
      // Last: V8 gives up its fast form of objects when fields are added to a spread one, at 50 times the cost.
      ...request,
    };
  }

  private trade(order: Order, trading: Trading): void {
    const { book, market, assets } = trading;
    const others = book.against(order.side);
    const { fills, remainder } = match(order, others, market.lotWh, this.now);
    for (const fill of fills) {
      const moment = { sequence: ++trading.sequence, now: this.now };
      const { execution, booking } = settle(order, fill, market, assets, moment);
      if (!this.placed.has(fill.maker.id)) this.changed.set(fill.maker.id, fill.maker);
      this.record(execution);
      this.book(booking);
    }
    others.prune();
    if (remainder === 'rests') {
      book.add(order as RestingOrder);
      this.book(rest(order, assets));
    } else if (remainder !== 'none') this.book(end(order, remainder, assets, { sequence: trading.sequence }));
  }

  private record(execution: Execution): void {
    this.executions.push(execution);
    for (const id of [execution.buyOrderId, execution.sellOrderId])
      this.placed.get(id)?.executions.push(execution);
  }

  private book(booking: Transfer): void {
    this.transfers.push(booking);
    this.funds.apply(booking);
  }
}
