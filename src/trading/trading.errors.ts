import { DomainError } from '../common/domain-error';
import { formatKwh, formatMoney } from '../common/units';
import type { OrderStatus } from './order';

export class MarketTaken extends DomainError {
  readonly code = 'MARKET_TAKEN';
  readonly kind = 'conflict';
  constructor(market: string) {
    super(`There is a market ${market} already: choose another id`);
  }
}

export class MarketHalted extends DomainError {
  readonly code = 'MARKET_HALTED';
  readonly kind = 'unprocessable';
  constructor(market: string) {
    super(`Market ${market} is halted: it takes no orders until it is resumed, only cancellations`);
  }
}

export class MechanismNotAvailable extends DomainError {
  readonly code = 'MECHANISM_NOT_AVAILABLE';
  readonly kind = 'unprocessable';
  constructor(market: string) {
    super(`Market ${market} trades by auction, and auctions are not held yet: use a continuous market`);
  }
}

export class QuantityOutOfRange extends DomainError {
  readonly code = 'QUANTITY_OUT_OF_RANGE';
  readonly kind = 'unprocessable';
  constructor(least: bigint, most: bigint) {
    super(`quantityKwh must be from ${formatKwh(least)} to ${formatKwh(most)} kWh`);
  }
}

export class QuantityNotInLots extends DomainError {
  readonly code = 'QUANTITY_NOT_IN_LOTS';
  readonly kind = 'unprocessable';
  constructor(market: string, lot: bigint) {
    super(`Market ${market} trades lots of ${formatKwh(lot)} kWh: quantityKwh must be a multiple of it`);
  }
}

export class PriceOutOfRange extends DomainError {
  readonly code = 'PRICE_OUT_OF_RANGE';
  readonly kind = 'unprocessable';
  constructor(least: bigint, most: bigint) {
    super(`pricePerKwh must be from ${formatMoney(least)} to ${formatMoney(most)}`);
  }
}

export class PriceNotOnTick extends DomainError {
  readonly code = 'PRICE_NOT_ON_TICK';
  readonly kind = 'unprocessable';
  constructor(market: string, tick: bigint) {
    super(
      `Prices of market ${market} move in ticks of ${formatMoney(tick)}: pricePerKwh must be a multiple of it`,
    );
  }
}

export class AmountOutOfRange extends DomainError {
  readonly code = 'AMOUNT_OUT_OF_RANGE';
  readonly kind = 'unprocessable';
  constructor(most: bigint) {
    super(`maxAmount must be at most ${formatMoney(most)}: no order can cost more`);
  }
}

export class ExpiryNotInFuture extends DomainError {
  readonly code = 'EXPIRY_NOT_IN_FUTURE';
  readonly kind = 'unprocessable';
  constructor(expiresAt: Date) {
    super(`expiresAt ${expiresAt.toISOString()} has passed: a gtd order must expire in the future`);
  }
}

export class ClientOrderIdTaken extends DomainError {
  readonly code = 'CLIENT_ORDER_ID_TAKEN';
  readonly kind = 'conflict';
  constructor(clientOrderId: string) {
    super(
      `You have placed an order with clientOrderId ${clientOrderId} already: take a new one for a new order`,
    );
  }
}

export class OrderNotOpen extends DomainError {
  readonly code = 'ORDER_NOT_OPEN';
  readonly kind = 'conflict';
  constructor(orderId: string, status: OrderStatus) {
    super(`Order ${orderId} is ${status.replace('_', ' ')}: only an order that still waits can be cancelled`);
  }
}
