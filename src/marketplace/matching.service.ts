import { Inject, Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import type { Principal } from '../auth/principal';
import { TradingRight } from '../auth/trading-right';
import { CacheService } from '../cache/cache.service';
import { wattHours, type Money, type WattHours } from '../common/units';
import { CONFIG, type Config } from '../config/config';
import type { Transaction } from '../database/transaction';
import type { IdempotentRequest } from '../http/idempotency-key';
import { LedgerService } from '../ledger/ledger.service';
import { release, transfer, type Transfer } from '../ledger/transfer';
import { energyOrderView, type EnergyOrderRow, type EnergyOrderView } from './energy-order';
import { EnergyOrdersService, type LockedEnergyOrder } from './energy-orders.service';
import type { TransactionView } from './energy-transaction';
import { energyOrderLifeCycle, mayBecome } from './life-cycle';
import { ACTIVE_OFFERS } from './marketplace.cache';
import { EnergyOrderNotOpen } from './marketplace.errors';
import { MarketplaceOperations } from './marketplace-operations';
import { OFFER_COLUMNS, type OfferRow } from './offer';
import { afterFill, fills, type Ask, type Fill } from './offer-matching';
import { saleOf, settlementOf, type Sale } from './sale';
import { TransactionsService } from './transactions.service';

/** The order after its match, and what it bought in it. */
export interface MatchView {
  readonly order: EnergyOrderView;
  readonly transactions: readonly TransactionView[];
}

interface OfferedAsk extends Ask {
  readonly offer: OfferRow;
}

interface Position {
  readonly price: bigint;
  readonly id: string;
}

/** Offers locked at once. Few, since an offer that is locked and not needed keeps other buyers waiting. */
const OFFERS_AT_ONCE = 50;
/** One match takes from at most so many offers, to keep its transaction short; the next match goes on. */
const OFFERS_PER_MATCH = 1_000;

const BEFORE_ALL: Position = { price: 0n, id: '00000000-0000-0000-0000-000000000000' };

/**
 * Offers that an order may buy from, cheapest first, the earlier of two equal ones first. All who lock several
 * offers and wait for them do it in this order, so that none waits for another in a circle.
 */
const candidates = (ofSource: string): string =>
  `SELECT ${OFFER_COLUMNS} FROM energy_offers
    WHERE status = 'active' AND (price_per_kwh, id) > ($1, $2) AND price_per_kwh <= $3 AND seller_id <> $4
      AND available_from <= now() AND available_until > now() ${ofSource}
    ORDER BY price_per_kwh, id LIMIT $5 FOR NO KEY UPDATE`;
const OF_ANY_SOURCE = candidates('');
const OF_ONE_SOURCE = candidates('AND energy_source = $6');

/** Fills orders from the offers on the market, when their owners ask for it. */
@Injectable()
export class MatchingService {
  constructor(
    private readonly operations: MarketplaceOperations,
    private readonly orders: EnergyOrdersService,
    private readonly transactions: TransactionsService,
    private readonly ledger: LedgerService,
    private readonly audit: AuditService,
    private readonly cache: CacheService,
    private readonly tradingRight: TradingRight,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Buys for an order from the cheapest offers that it accepts, each at the offer's price, until it is filled or
   * no such offer is left, from at most 1 000 offers. What a fill did not need of the reservation is given back.
   * @throws NotFound when the order is not the caller's
   * @throws EnergyOrderNotOpen when it is closed, or its time is over
   */
  match(principal: Principal, id: string, request: IdempotentRequest): Promise<MatchView> {
    this.tradingRight.check(principal);
    return this.operations.run('match_order', principal, request, async (tx) => {
      const order = await this.orders.lockOwn(tx, principal, id);
      refuseUnlessOpen(order);
      const found = await this.fill(tx, order);
      if (found.length === 0) return { order: energyOrderView(order), transactions: [] };
      return this.settle(tx, principal, order, found);
    });
  }

  private async fill(tx: Transaction, order: EnergyOrderRow): Promise<Fill<OfferedAsk>[]> {
    const found: Fill<OfferedAsk>[] = [];
    let missing = wattHours(order.amount_wh - order.filled_wh);
    let after = BEFORE_ALL;
    while (missing > 0n && found.length < OFFERS_PER_MATCH) {
      const asks = await this.lockCheapest(tx, order, after);
      for (const fill of fills(missing, asks)) {
        missing = wattHours(missing - fill.energy);
        found.push(fill);
      }
      const last = asks.at(-1);
      if (last === undefined || asks.length < OFFERS_AT_ONCE) return found;
      after = last;
    }
    return found;
  }

  private async lockCheapest(tx: Transaction, order: EnergyOrderRow, after: Position): Promise<OfferedAsk[]> {
    const { max_price_per_kwh: maxPrice, buyer_id: buyerId, preferred_source: source } = order;
    const values = [after.price, after.id, maxPrice, buyerId, OFFERS_AT_ONCE];
    const offers = await (source === null
      ? tx.query<OfferRow>(OF_ANY_SOURCE, values)
      : tx.query<OfferRow>(OF_ONE_SOURCE, [...values, source]));
    return offers.map((offer) => ({
      id: offer.id,
      price: offer.price_per_kwh,
      left: offer.remaining_wh,
      offer,
    }));
  }

  private async settle(
    tx: Transaction,
    principal: Principal,
    order: EnergyOrderRow,
    found: readonly Fill<OfferedAsk>[],
  ): Promise<MatchView> {
    const buyer = { buyerId: order.buyer_id, orderId: order.id };
    const sales = found.map(({ ask, energy }) => saleOf(ask.offer, energy, buyer, this.config.feeBps));
    const transactions = await this.transactions.settle(tx, principal, sales);
    const { reserved, missing, bookings } = this.book(order, sales);
    const matched = await this.writeOrder(tx, order, missing, reserved);
    await this.ledger.post(tx, bookings);
    this.cache.invalidateAfterCommit(tx, [ACTIVE_OFFERS]);
    const view = energyOrderView(matched);
    this.audit.record(tx, principal, {
      action: 'energy_order.matched',
      entity: 'energy_orders',
      entityId: order.id,
      before: { ...energyOrderView(order) },
      after: { ...view },
    });
    return { order: view, transactions };
  }

  /** The bookings of the sales, each with what it gives back, and what is left of the order after all of them. */
  private book(
    order: EnergyOrderRow,
    sales: readonly Sale[],
  ): { missing: WattHours; reserved: Money; bookings: Transfer[] } {
    let state = {
      missing: wattHours(order.amount_wh - order.filled_wh),
      maxPrice: order.max_price_per_kwh,
      reserved: order.reserved_amount,
    };
    const bookings = sales.map((sale) => {
      const { givenBack, ...next } = afterFill(state, sale.energy, sale.price);
      state = next;
      const legs = [
        ...settlementOf(sale, this.config.currency, 'reserved'),
        ...release(sale.buyerId, this.config.currency, givenBack),
      ];
      return transfer('energy_order.filled', sale.id, legs);
    });
    return { missing: state.missing, reserved: state.reserved, bookings };
  }

  private async writeOrder(
    tx: Transaction,
    order: EnergyOrderRow,
    missing: WattHours,
    reserved: Money,
  ): Promise<EnergyOrderRow> {
    const status = missing === 0n ? 'filled' : 'partially_filled';
    const filled = wattHours(order.amount_wh - missing);
    await tx.query(
      `UPDATE energy_orders SET filled_wh = $2, reserved_amount = $3, status = $4, updated_at = now() WHERE id = $1`,
      [order.id, filled, reserved, status],
    );
    return { ...order, status, filled_wh: filled, reserved_amount: reserved };
  }
}

function refuseUnlessOpen(order: LockedEnergyOrder): void {
  if (!mayBecome(energyOrderLifeCycle, order.status, 'filled')) throw new EnergyOrderNotOpen(order.status);
  if (order.is_over) throw new EnergyOrderNotOpen('expired');
}
