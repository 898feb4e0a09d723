import { Inject, Injectable } from '@nestjs/common';
import type { Principal } from '../auth/principal';
import { TradingRight } from '../auth/trading-right';
import { CacheService } from '../cache/cache.service';
import type { WattHours } from '../common/units';
import { CONFIG, type Config } from '../config/config';
import type { IdempotentRequest } from '../http/idempotency-key';
import { LedgerService } from '../ledger/ledger.service';
import { transfer } from '../ledger/transfer';
import type { TransactionView } from './energy-transaction';
import { ACTIVE_OFFERS } from './marketplace.cache';
import { OfferExhausted, OfferNotActive, OfferNotAvailable, OwnOffer } from './marketplace.errors';
import { checkAmount } from './marketplace-limits';
import { MarketplaceOperations } from './marketplace-operations';
import { OffersService, type LockedOffer } from './offers.service';
import { saleOf, settlementOf } from './sale';
import { TransactionsService } from './transactions.service';

/** Buying directly from one offer. */
@Injectable()
export class PurchasesService {
  constructor(
    private readonly operations: MarketplaceOperations,
    private readonly offers: OffersService,
    private readonly transactions: TransactionsService,
    private readonly ledger: LedgerService,
    private readonly cache: CacheService,
    private readonly tradingRight: TradingRight,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Buys energy from an offer and settles at once: energy and money change hands, and the seller pays the fee.
   * Purchases of one offer queue up on its row, so that none sells what another has sold.
   * @throws NotFound, OwnOffer, OfferNotActive, OfferNotAvailable
   * @throws OfferExhausted when less is left than asked for: nothing is sold then
   * @throws InsufficientBalance when the buyer has too little money
   */
  purchase(
    principal: Principal,
    offerId: string,
    energy: WattHours,
    request: IdempotentRequest,
  ): Promise<TransactionView> {
    this.tradingRight.check(principal);
    return this.operations.run('purchase', principal, request, async (tx) => {
      checkAmount(energy);
      const offer = await this.offers.lock(tx, offerId);
      refuseUnlessForSale(offer, principal.userId, energy);
      const sale = saleOf(offer, energy, { buyerId: principal.userId, orderId: null }, this.config.feeBps);
      const [transaction] = await this.transactions.settle(tx, principal, [sale]);
      await this.ledger.post(tx, [
        transfer('offer.purchased', sale.id, settlementOf(sale, this.config.currency, 'available')),
      ]);
      this.cache.invalidateAfterCommit(tx, [ACTIVE_OFFERS]);
      return transaction as TransactionView;
    });
  }
}

function refuseUnlessForSale(offer: LockedOffer, buyerId: string, energy: WattHours): void {
  if (offer.seller_id === buyerId) throw new OwnOffer();
  if (offer.status === 'active' && offer.is_over) throw new OfferNotActive('expired');
  if (offer.status === 'cancelled' || offer.status === 'expired') throw new OfferNotActive(offer.status);
  if (offer.remaining_wh < energy) throw new OfferExhausted(offer.id, energy, offer.remaining_wh);
  if (!offer.has_begun) throw new OfferNotAvailable(offer.available_from);
}
