import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
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

/** An order of a market, from its placing to its end. Forms that TypeORM cannot express stand in the migration. */
@Entity('trading_orders')
// An owner's orders, newest first.
@Index('idx_trading_orders_user_id', ['userId', 'id'])
// An owner's orders of one status, newest first.
@Index('idx_trading_orders_user_status', ['userId', 'status', 'id'])
// What is due to expire: (expires_at) over resting orders that expire.
@Index('idx_trading_orders_status', ['expiresAt'], {
  where: `status IN ('open', 'partially_filled') AND expires_at IS NOT NULL`,
})
// Order flow of a market by side over time: (market, side, created_at) INCLUDE (quantity_wh).
@Index('idx_trading_orders_side', { synchronize: false })
// The asks of a book, best first.
@Index('idx_trading_orders_price', ['market', 'pricePerKwh', 'sequence'], {
  where: `side = 'sell' AND status IN ('open', 'partially_filled')`,
})
// The bids of a book, best first: (market, price_per_kwh DESC, sequence) over resting buys.
@Index('idx_trading_orders_status_side', { synchronize: false })
// What a market filled last: (market, filled_at DESC) over filled orders.
@Index('idx_trading_orders_filled_at', { synchronize: false })
// An owner's order by the name that the owner gave it.
@Index('trading_orders_client_order_id', ['userId', 'clientOrderId'], {
  unique: true,
  where: 'client_order_id IS NOT NULL',
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
