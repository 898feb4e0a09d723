import { Check, Column, Entity, ForeignKey } from 'typeorm';
import type { Money, Price, WattHours } from '../common/units';
import {
  CreatedAt,
  EnergyColumn,
  IdColumn,
  InstantColumn,
  MoneyColumn,
  PriceColumn,
  SequenceColumn,
  UpdatedAt,
} from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';
import { Market } from './market.entity';
import {
  ORDER_REASONS,
  ORDER_STATUSES,
  ORDER_TYPES,
  SIDES,
  TIMES_IN_FORCE,
  type Order,
  type OrderReason,
  type OrderStatus,
  type OrderType,
  type Side,
  type TimeInForce,
} from './order';

/** An order of a market, from its placing to its end. */
@Entity('trading_orders')
@PerformanceIndex('idx_trading_orders_user_id', {
  on: ['userId', 'id'],
  serves: "an owner's orders, newest first",
  query: `SELECT id, market, side, quantity_wh, filled_wh, price_per_kwh, status
    FROM trading_orders
    WHERE user_id = :user_id
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('idx_trading_orders_status', {
  on: ['expiresAt'],
  where: `status IN ('open', 'partially_filled') AND expires_at IS NOT NULL`,
  serves: 'resting orders whose time is over',
  query: `SELECT DISTINCT market
    FROM trading_orders
    WHERE status IN ('open', 'partially_filled') AND expires_at IS NOT NULL AND expires_at <= now()`,
})
@PerformanceIndex('idx_trading_orders_user_status', {
  on: ['userId', 'status', 'id'],
  serves: "an owner's orders of one status, newest first",
  query: `SELECT id, market, side, quantity_wh, filled_wh, price_per_kwh, status
    FROM trading_orders
    WHERE user_id = :user_id AND status = :status
    ORDER BY id DESC LIMIT 50`,
  sample: `status = 'cancelled'`,
})
@PerformanceIndex('idx_trading_orders_side', {
  on: ['market', 'side', 'createdAt'],
  include: ['quantityWh'],
  serves: "a market's order flow of one side in a span of time",
  query: `SELECT count(*), sum(quantity_wh)
    FROM trading_orders
    WHERE market = :market AND side = :side AND created_at >= :created_at::timestamptz AND created_at < :created_at::timestamptz + interval '1 hour'`,
})
@PerformanceIndex('idx_trading_orders_status_side', {
  on: ['market', 'pricePerKwh', 'sequence'],
  order: { pricePerKwh: 'DESC' },
  where: `side = 'buy' AND status IN ('open', 'partially_filled')`,
  serves: "the bids of a market's book, best first",
  query: `SELECT id, market, side, quantity_wh, filled_wh, price_per_kwh, status
    FROM trading_orders
    WHERE market = :market AND side = 'buy' AND status IN ('open', 'partially_filled')
    ORDER BY price_per_kwh DESC, sequence LIMIT 50`,
})
@PerformanceIndex('idx_trading_orders_price', {
  on: ['market', 'pricePerKwh', 'sequence'],
  where: `side = 'sell' AND status IN ('open', 'partially_filled')`,
  serves: "the asks of a market's book, best first",
  query: `SELECT id, market, side, quantity_wh, filled_wh, price_per_kwh, status
    FROM trading_orders
    WHERE market = :market AND side = 'sell' AND status IN ('open', 'partially_filled')
    ORDER BY price_per_kwh, sequence LIMIT 50`,
})
@PerformanceIndex('idx_trading_orders_filled_at', {
  on: ['market', 'filledAt'],
  order: { filledAt: 'DESC' },
  where: 'filled_at IS NOT NULL',
  serves: 'what a market filled last',
  query: `SELECT id, market, side, quantity_wh, filled_wh, price_per_kwh, status
    FROM trading_orders
    WHERE market = :market AND filled_at IS NOT NULL
    ORDER BY filled_at DESC LIMIT 50`,
})
@PerformanceIndex('trading_orders_of_owner', {
  on: ['userId', 'market', 'side', 'status', 'id'],
  serves:
    "an owner's orders of one market, side and status, newest first: a list by some of them goes through the others",
  query: `SELECT id
    FROM trading_orders
    WHERE user_id = :user_id AND market = :market AND side = :side AND status = :status
    ORDER BY id DESC LIMIT 50`,
  sample: `market <> 'solar' AND status = 'filled'`,
})
@PerformanceIndex('trading_orders_client_order_id', {
  on: ['userId', 'clientOrderId'],
  unique: true,
  where: 'client_order_id IS NOT NULL',
  serves: "an owner's order by the name that the owner gave it",
  query: `SELECT id, market, side, quantity_wh, filled_wh, price_per_kwh, status
    FROM trading_orders
    WHERE user_id = :user_id AND client_order_id = :client_order_id`,
})
@Check('trading_orders_quantity_positive', 'quantity_wh > 0')
@Check('trading_orders_never_overfilled', 'filled_wh BETWEEN 0 AND quantity_wh')
@Check(
  'trading_orders_filled',
  `(status = 'filled') = (filled_wh = quantity_wh) AND (status = 'filled') = (filled_at IS NOT NULL)`,
)
@Check('trading_orders_reserve_never_negative', 'reserved_amount >= 0')
@Check(
  'trading_orders_reserve_while_resting',
  `(reserved_amount > 0) = (status IN ('open', 'partially_filled'))`,
)
@Check('trading_orders_only_limits_rest', `type = 'limit' OR status NOT IN ('open', 'partially_filled')`)
@Check(
  'trading_orders_limit_has_price',
  `(type = 'limit') = (price_per_kwh IS NOT NULL) AND price_per_kwh > 0`,
)
@Check(
  'trading_orders_market_buy_has_maximum',
  `(type = 'market' AND side = 'buy') = (max_amount IS NOT NULL) AND max_amount > 0`,
)
@Check('trading_orders_gtd_expires', `(time_in_force = 'gtd') = (expires_at IS NOT NULL)`)
@Check(
  'trading_orders_end_has_reason',
  `(reason IS NOT NULL) = (status IN ('cancelled', 'expired', 'rejected'))`,
)
export class TradingOrder implements Order {
  @IdColumn()
  id: string;

  @Column('uuid')
  @ForeignKey('users')
  userId: string;

  @Column('text')
  @ForeignKey(() => Market)
  market: string;

  @Column({ type: 'enum', enum: SIDES, enumName: 'trading_order_side' })
  side: Side;

  @Column({ type: 'enum', enum: ORDER_TYPES, enumName: 'trading_order_type' })
  type: OrderType;

  @Column({ type: 'enum', enum: TIMES_IN_FORCE, enumName: 'trading_order_time_in_force' })
  timeInForce: TimeInForce;

  /** The limit; null of a market order. */
  @PriceColumn({ nullable: true })
  pricePerKwh: Price | null;

  /** The most that a market buy may cost. */
  @MoneyColumn({ nullable: true })
  maxAmount: Money | null;

  @EnergyColumn()
  quantityWh: WattHours;

  @EnergyColumn({ default: '0' })
  filledWh: WattHours;

  /** What its fills cost together. */
  @MoneyColumn({ default: '0' })
  filledAmount: Money;

  /** What is still reserved for it in the ledger: micro-units of a buy, Wh of a sell. */
  @MoneyColumn()
  reservedAmount: bigint;

  @Column({ type: 'enum', enum: ORDER_STATUSES, enumName: 'trading_order_status' })
  status: OrderStatus;

  @Column({ type: 'enum', enum: ORDER_REASONS, enumName: 'trading_order_reason', nullable: true })
  reason: OrderReason | null;

  /** The market's sequence when it was placed: its priority among orders at one price. */
  @SequenceColumn()
  sequence: bigint;

  /** The market's sequence when it last changed. */
  @SequenceColumn()
  changedSequence: bigint;

  @InstantColumn({ nullable: true })
  expiresAt: Date | null;

  /** When it was filled in full. */
  @InstantColumn({ nullable: true })
  filledAt: Date | null;

  /** The owner's own name for it. */
  @Column('text', { nullable: true })
  clientOrderId: string | null;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
