import { Injectable } from '@nestjs/common';
import { AuditService, type Actor } from '../audit/audit.service';
import { Unauthenticated } from '../auth/auth.errors';
import { maySee, type Principal } from '../auth/principal';
import { TradingRight } from '../auth/trading-right';
import { CacheService } from '../cache/cache.service';
import type { Page } from '../common/cursor';
import { NotFound } from '../common/domain-error';
import { newId } from '../common/id';
import type { EnergySource } from '../common/request-schemas';
import type { Price, WattHours } from '../common/units';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import type { IdempotentRequest } from '../http/idempotency-key';
import { LedgerService } from '../ledger/ledger.service';
import { energyAsset, release, reserve, transfer } from '../ledger/transfer';
import { mayBecome, offerLifeCycle } from './life-cycle';
import { ACTIVE_OFFERS } from './marketplace.cache';
import { OfferNotActive } from './marketplace.errors';
import { checkAmount, checkPrice, offerWindow } from './marketplace-limits';
import { MarketplaceOperations } from './marketplace-operations';
import { OFFER_COLUMNS, offerView, type OfferRow, type OffersFilter, type OfferView } from './offer';
import { OfferListing } from './offer-listing';
import { transactionTime } from './transaction-time';

/** What a seller lists. */
export interface NewOffer {
  readonly energySource: EnergySource;
  readonly amountKwh: WattHours;
  readonly pricePerKwh: Price;
  readonly availableFrom?: Date | undefined;
  readonly availableUntil?: Date | undefined;
}

/** An offer whose row is locked, and how its window lies to the database's clock. */
export interface LockedOffer extends OfferRow {
  readonly has_begun: boolean;
  readonly is_over: boolean;
}

/** Offers from listing to their end. While one is active, what is left of it is reserved in the ledger. */
@Injectable()
export class OffersService {
  constructor(
    private readonly database: DatabaseService,
    private readonly operations: MarketplaceOperations,
    private readonly listing: OfferListing,
    private readonly ledger: LedgerService,
    private readonly audit: AuditService,
    private readonly cache: CacheService,
    private readonly tradingRight: TradingRight,
  ) {}

  /**
   * The public market, or with `mine` everything that the caller has offered.
   * @throws Unauthenticated when nobody asks for what is his
   */
  list(
    principal: Principal | undefined,
    { mine, ...filter }: OffersFilter & { mine: boolean },
  ): Promise<Page<OfferView>> {
    if (!mine) return this.listing.active(filter);
    if (principal === undefined) throw new Unauthenticated();
    return this.listing.ofSeller(principal.userId, filter);
  }

  /**
   * An offer: anybody sees one that is active or sold out, only its seller and those who see everything one
   * that was taken off the market.
   * @throws NotFound
   */
  async get(principal: Principal | undefined, id: string): Promise<OfferView> {
    const [offer] = await this.database.query<OfferRow>(
      `SELECT ${OFFER_COLUMNS} FROM energy_offers WHERE id = $1`,
      [id],
    );
    if (offer === undefined) throw new NotFound('offer');
    const seen =
      offer.status === 'active' ||
      offer.status === 'sold' ||
      (principal !== undefined && maySee(principal, offer.seller_id));
    if (!seen) throw new NotFound('offer');
    return offerView(offer);
  }

  /**
   * Lists energy for sale and reserves it.
   * @throws QuantityOutOfRange, PriceOutOfRange, PriceNotOnTick, OfferWindowInvalid
   * @throws InsufficientBalance when the seller has less of that energy available
   */
  offer(principal: Principal, offer: NewOffer, request: IdempotentRequest): Promise<OfferView> {
    this.tradingRight.check(principal);
    return this.operations.run('list_offer', principal, request, async (tx) => {
      checkAmount(offer.amountKwh);
      checkPrice(offer.pricePerKwh);
      const listed = await this.insert(tx, principal.userId, offer);
      const legs = reserve(principal.userId, energyAsset(offer.energySource), offer.amountKwh);
      await this.ledger.post(tx, [transfer('offer.listed', listed.id, legs)]);
      this.cache.invalidateAfterCommit(tx, [ACTIVE_OFFERS]);
      const view = offerView(listed);
      this.audit.record(tx, principal, {
        action: 'offer.listed',
        entity: 'energy_offers',
        entityId: listed.id,
        after: { ...view },
      });
      return view;
    });
  }

  /**
   * Takes an offer off the market; what is left of it is the seller's again.
   * @throws NotFound when it is not the caller's
   * @throws OfferNotActive when it is closed already
   */
  cancel(principal: Principal, id: string, request: IdempotentRequest): Promise<OfferView> {
    return this.operations.run('cancel_offer', principal, request, async (tx) => {
      const offer = await this.lock(tx, id);
      if (offer.seller_id !== principal.userId) throw new NotFound('offer');
      if (!mayBecome(offerLifeCycle, offer.status, 'cancelled')) throw new OfferNotActive(offer.status);
      await this.close(tx, principal, 'cancelled', [offer]);
      return offerView({ ...offer, status: 'cancelled' });
    });
  }

  /**
   * Locks an offer against everybody else who sells from it or closes it, until the transaction ends.
   * @throws NotFound
   */
  async lock(tx: Transaction, id: string): Promise<LockedOffer> {
    const [offer] = await tx.query<LockedOffer>(
      `SELECT ${OFFER_COLUMNS}, available_from <= now() AS has_begun, available_until <= now() AS is_over
         FROM energy_offers WHERE id = $1 FOR NO KEY UPDATE`,
      [id],
    );
    if (offer === undefined) throw new NotFound('offer');
    return offer;
  }

  /**
   * Closes offers whose time is over, those first that are over longest. Several processes may do it at once.
   * @returns how many were closed, at most `limit`
   */
  async expireDue(tx: Transaction, limit: number): Promise<number> {
    const due = await tx.query<OfferRow>(
      `SELECT ${OFFER_COLUMNS} FROM energy_offers WHERE status = 'active' AND available_until <= now()
        ORDER BY available_until, id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED`,
      [limit],
    );
    await this.close(tx, null, 'expired', due);
    return due.length;
  }

  /** Ends locked offers and gives back what they still reserve. */
  private async close(
    tx: Transaction,
    actor: Actor,
    status: 'cancelled' | 'expired',
    offers: readonly OfferRow[],
  ): Promise<void> {
    if (offers.length === 0) return;
    await tx.query(
      'UPDATE energy_offers SET status = $2::energy_offer_status, updated_at = now() WHERE id = ANY ($1::uuid[])',
      [offers.map(({ id }) => id), status],
    );
    const releases = offers.map(({ id, seller_id: sellerId, energy_source: source, remaining_wh: left }) =>
      transfer(`offer.${status}`, id, release(sellerId, energyAsset(source), left)),
    );
    await this.ledger.post(tx, releases);
    this.cache.invalidateAfterCommit(tx, [ACTIVE_OFFERS]);
    for (const offer of offers) {
      this.audit.record(tx, actor, {
        action: `offer.${status}`,
        entity: 'energy_offers',
        entityId: offer.id,
        before: { ...offerView(offer) },
        after: { ...offerView({ ...offer, status }) },
      });
    }
  }

  private async insert(tx: Transaction, sellerId: string, offer: NewOffer): Promise<OfferRow> {
    const { from, until } = offerWindow(offer.availableFrom, offer.availableUntil, await transactionTime(tx));
    const [row] = await tx.query<OfferRow>(
      `INSERT INTO energy_offers (id, seller_id, energy_source, amount_wh, remaining_wh, price_per_kwh, available_from, available_until)
       VALUES ($1, $2, $3, $4, $4, $5, $6, $7) RETURNING ${OFFER_COLUMNS}`,
      [newId(), sellerId, offer.energySource, offer.amountKwh, offer.pricePerKwh, from, until],
    );
    return row as OfferRow;
  }
}
