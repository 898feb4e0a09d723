import { Inject, Injectable } from '@nestjs/common';
import { CacheService } from '../cache/cache.service';
import { NotFound, type DomainError } from '../common/domain-error';
import { CONFIG, type Config } from '../config/config';
import type { Transaction } from '../database/transaction';
import { LedgerService } from '../ledger/ledger.service';
import { repeatedClientOrderIds } from './client-order-ids';
import { LockedFunds, TouchedAccounts } from './funds';
import { SIDES } from './order';
import { runBatch, type BatchResult, type MarketState, type Outcome, type Submission } from './order-batch';
import { OrderBookQueries, reachOf, type LockedMarket } from './order-book.queries';
import { advanceMarkets, insertOrders, insertTrades, updateOrders } from './order-records';
import { brokenRule } from './order-rules';
import { ClientOrderIdTaken } from './trading.errors';
import { tagsOf } from './trading.cache';
import { TradingMetrics } from './trading.metrics';

/**
 * Executes orders: reserve, match and settle, in their order and in one transaction, set-wise, however many
 * orders and users there are. A market's row is locked before its orders and its sequence are read, so any
 * number of processes may execute on one market.
 */
@Injectable()
export class OrderExecutionService {
  constructor(
    private readonly books: OrderBookQueries,
    private readonly ledger: LedgerService,
    private readonly cache: CacheService,
    private readonly metrics: TradingMetrics,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * @returns one outcome per submission, in their order: an order that breaks a rule or lacks balance is
   *   refused alone, the others go on
   */
  async execute(tx: Transaction, submissions: readonly Submission[]): Promise<Outcome[]> {
    const { markets, now } = await this.books.lockMarkets(
      tx,
      submissions.map(({ request }) => request.market),
    );
    const repeated = await repeatedClientOrderIds(tx, submissions);
    const refusals = submissions.map((submission) =>
      repeated.has(submission)
        ? new ClientOrderIdTaken(submission.request.clientOrderId as string)
        : refusalOf(submission, markets, now),
    );
    const good = submissions.filter((_, index) => refusals[index] === undefined);
    const executed = good.length === 0 ? [] : await this.executeGood(tx, good, markets, now);
    const outcomes = executed.values();
    return refusals.map((refusal) =>
      refusal === undefined ? (outcomes.next().value as Outcome) : { refusal },
    );
  }

  private async executeGood(
    tx: Transaction,
    submissions: readonly Submission[],
    markets: ReadonlyMap<string, LockedMarket>,
    now: Date,
  ): Promise<readonly Outcome[]> {
    const states = await this.load(tx, submissions, markets, now);
    const { currency } = this.config;
    // The rehearsal tells which accounts are touched, makers' included: they are locked at once, in id order.
    const touched = new TouchedAccounts();
    runBatch(submissions, states, currency, touched, now);
    const balances = await this.ledger.lockAvailable(tx, touched.keys);
    const result = runBatch(submissions, states, currency, new LockedFunds(balances), now);
    if (result.placed.length > 0) await this.write(tx, result);
    return result.outcomes;
  }

  /** The books of the markets, as far as these orders can reach into them. */
  private async load(
    tx: Transaction,
    submissions: readonly Submission[],
    markets: ReadonlyMap<string, LockedMarket>,
    now: Date,
  ): Promise<MarketState[]> {
    const states: MarketState[] = [];
    for (const [id, { terms, sequence }] of markets) {
      const requests = submissions.map(({ request }) => request).filter(({ market }) => market === id);
      const resting = [];
      for (const side of SIDES) {
        const reach = reachOf(requests, side);
        if (reach !== undefined) resting.push(await this.books.within(tx, id, reach, now));
      }
      if (requests.length > 0) states.push({ market: terms, sequence, resting: resting.flat() });
    }
    return states;
  }

  private async write(
    tx: Transaction,
    { placed, changed, executions, transfers, sequences }: BatchResult,
  ): Promise<void> {
    await insertOrders(tx, placed);
    await updateOrders(tx, changed);
    await insertTrades(tx, executions);
    await advanceMarkets(tx, sequences);
    await this.ledger.post(tx, transfers);
    this.cache.invalidateAfterCommit(tx, tagsOf(sequences.keys()));
    this.metrics.countTradesAfterCommit(tx, executions);
  }
}

function refusalOf(
  { request }: Submission,
  markets: ReadonlyMap<string, LockedMarket>,
  now: Date,
): DomainError | undefined {
  const market = markets.get(request.market);
  return market === undefined ? new NotFound('market') : brokenRule(request, market.terms, now);
}
