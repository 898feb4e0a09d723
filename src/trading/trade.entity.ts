import { Check, Column, Entity, ForeignKey, Index, Unique } from 'typeorm';
import type { Money, Price, WattHours } from '../common/units';
import {
  CreatedAt,
  EnergyColumn,
  IdColumn,
  InstantColumn,
  MoneyColumn,
  PriceColumn,
  SequenceColumn,
} from '../database/columns';
import { Market } from './market.entity';
import { MarketEpoch } from './market-epoch.entity';
import type { Execution } from './order';
import { TradingOrder } from './trading-order.entity';

/** Energy that changed hands on a market, and what was paid for it. Never changed afterwards. */
@Entity('trades')
@Unique(['market', 'sequence'])
// A market's last day: prices and volume, without a look into the table.
@Index('trades_market_executed_at', { synchronize: false })
@Index('trades_buy_order_id', ['buyOrderId', 'id'])
@Index('trades_sell_order_id', ['sellOrderId', 'id'])
@Index('trades_buyer_id', ['buyerId', 'id'])
@Index('trades_seller_id', ['sellerId', 'id'])
@Index('trades_epoch_id', ['epochId'], { where: 'epoch_id IS NOT NULL' })
@Check('trades_quantity_positive', 'quantity_wh > 0')
@Check('trades_price_positive', 'price_per_kwh > 0')
@Check('trades_amount_rounded_down', 'amount = quantity_wh * price_per_kwh / 1000')
@Check('trades_fee_within_amount', 'fee BETWEEN 0 AND amount')
@Check('trades_two_parties', 'buyer_id <> seller_id')
export class Trade implements Execution {
  @IdColumn()
  id: string;

  @Column('text')
  @ForeignKey(() => Market)
  market: string;

  @Column('uuid')
  @ForeignKey(() => TradingOrder)
  buyOrderId: string;

  @Column('uuid')
  @ForeignKey(() => TradingOrder)
  sellOrderId: string;

  @Column('uuid')
  @ForeignKey('users')
  buyerId: string;

  @Column('uuid')
  @ForeignKey('users')
  sellerId: string;

  @EnergyColumn()
  quantityWh: WattHours;

  @PriceColumn()
  pricePerKwh: Price;

  /** quantity × price, rounded down: what the buyer paid. */
  @MoneyColumn()
  amount: Money;

  /** What the seller gave of it to the market. */
  @MoneyColumn()
  fee: Money;

  /** The auction it comes from; null on a continuous market. */
  @Column('uuid', { nullable: true })
  @ForeignKey(() => MarketEpoch)
  epochId: string | null;

  /** Its number in the market's sequence. */
  @SequenceColumn()
  sequence: bigint;

  @InstantColumn()
  executedAt: Date;

  @CreatedAt()
  createdAt: Date;
}
