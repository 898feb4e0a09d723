import { DomainError } from '../common/domain-error';
import { formatKwh, formatMoney, type Price, type WattHours } from '../common/units';
import type { EnergyOrderStatus, OfferStatus, TransactionStatus } from './life-cycle';

export class QuantityOutOfRange extends DomainError {
  readonly code = 'QUANTITY_OUT_OF_RANGE';
  readonly kind = 'unprocessable';
  constructor(energy: WattHours, least: WattHours, most: WattHours) {
    super(
      `${formatKwh(energy)} kWh is outside of what the market takes at once: ${formatKwh(least)} to ${formatKwh(most)} kWh`,
    );
  }
}

export class PriceOutOfRange extends DomainError {
  readonly code = 'PRICE_OUT_OF_RANGE';
  readonly kind = 'unprocessable';
  constructor(price: Price, least: Price, most: Price) {
    super(
      `A price of ${formatMoney(price)} per kWh is outside of what the market takes: ${formatMoney(least)} to ${formatMoney(most)}`,
    );
  }
}

export class PriceNotOnTick extends DomainError {
  readonly code = 'PRICE_NOT_ON_TICK';
  readonly kind = 'unprocessable';
  constructor(price: Price, tick: Price) {
    super(
      `A price of ${formatMoney(price)} per kWh is not a multiple of the tick: take steps of ${formatMoney(tick)}`,
    );
  }
}

export class OfferWindowInvalid extends DomainError {
  readonly code = 'OFFER_WINDOW_INVALID';
  readonly kind = 'unprocessable';
}

export class OrderExpiryInvalid extends DomainError {
  readonly code = 'ORDER_EXPIRY_INVALID';
  readonly kind = 'unprocessable';
}

export class OwnOffer extends DomainError {
  readonly code = 'OWN_OFFER';
  readonly kind = 'unprocessable';
  constructor() {
    super('This offer is yours: nobody buys from himself; cancel it to get the energy back');
  }
}

export class OfferNotAvailable extends DomainError {
  readonly code = 'OFFER_NOT_AVAILABLE';
  readonly kind = 'unprocessable';
  constructor(availableFrom: Date) {
    super(`This offer can be bought from ${availableFrom.toISOString()} on: come back then`);
  }
}

export class OfferNotActive extends DomainError {
  readonly code = 'OFFER_NOT_ACTIVE';
  readonly kind = 'conflict';
  constructor(status: OfferStatus) {
    super(`This offer is ${status} already: GET /api/offers lists those that are active`);
  }
}

export class OfferExhausted extends DomainError {
  readonly code = 'OFFER_EXHAUSTED';
  readonly kind = 'conflict';
  constructor(offerId: string, wanted: WattHours, remaining: WattHours) {
    super(`Offer ${offerId} has ${formatKwh(remaining)} kWh left, too little for ${formatKwh(wanted)} kWh`);
  }
}

export class EnergyOrderNotOpen extends DomainError {
  readonly code = 'ENERGY_ORDER_NOT_OPEN';
  readonly kind = 'conflict';
  constructor(status: EnergyOrderStatus) {
    super(`This order is ${status} already: place a new one to buy more`);
  }
}

export class TransactionSettled extends DomainError {
  readonly code = 'TRANSACTION_SETTLED';
  readonly kind = 'conflict';
  constructor() {
    super(
      'This transaction is settled: energy and money have changed hands, and only another sale takes them back',
    );
  }
}

export class TransactionNotPending extends DomainError {
  readonly code = 'TRANSACTION_NOT_PENDING';
  readonly kind = 'conflict';
  constructor(status: TransactionStatus) {
    super(`This transaction is ${status}: only a pending one can be cancelled`);
  }
}
