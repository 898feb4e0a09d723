import { Check, Column, Entity, ForeignKey, Unique } from 'typeorm';
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
import { PerformanceIndex } from '../database/indexes/performance-index';
import { Market } from './market.entity';
import { MarketEpoch } from './market-epoch.entity';
import type { Execution } from './order';
import { TradingOrder } from './trading-order.entity';

const NOT_THE_USUAL_MARKET = `market <> 'solar'`;

/** Energy that changed hands on a market, and what was paid for it. Never changed afterwards. */
@Entity('trades')
@PerformanceIndex('trades_market_executed_at', {
  on: ['market', 'executedAt'],
  include: ['pricePerKwh', 'quantityWh'],
  serves: "a market's last day: prices and volume, without a look into the table",
  query: `SELECT max(price_per_kwh), min(price_per_kwh), sum(quantity_wh)
    FROM trades
    WHERE market = :market AND executed_at > :executed_at::timestamptz AND executed_at < :executed_at::timestamptz + interval '1 hour'`,
})
@PerformanceIndex('trades_buy_order_id', {
  on: ['buyOrderId', 'id'],
  serves: 'the trades of a buy order, newest first',
  query: `SELECT id, market, quantity_wh, price_per_kwh, amount, fee, executed_at
    FROM trades
    WHERE buy_order_id = :buy_order_id
    ORDER BY id DESC LIMIT 200`,
})
@PerformanceIndex('trades_sell_order_id', {
  on: ['sellOrderId', 'id'],
  serves: 'the trades of a sell order, newest first',
  query: `SELECT id, market, quantity_wh, price_per_kwh, amount, fee, executed_at
    FROM trades
    WHERE sell_order_id = :sell_order_id
    ORDER BY id DESC LIMIT 200`,
})
@PerformanceIndex('trades_buyer_id', {
  on: ['buyerId', 'id'],
  serves: 'what somebody bought, newest first',
  query: `SELECT id, market, quantity_wh, price_per_kwh, amount, fee, executed_at
    FROM trades
    WHERE buyer_id = :buyer_id
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('trades_seller_id', {
  on: ['sellerId', 'id'],
  serves: 'what somebody sold, newest first',
  query: `SELECT id, market, quantity_wh, price_per_kwh, amount, fee, executed_at
    FROM trades
    WHERE seller_id = :seller_id
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('trades_of_buyer_market', {
  on: ['buyerId', 'market', 'id'],
  serves: 'what somebody bought on one market, newest first',
  query: `SELECT id, market, quantity_wh, price_per_kwh, amount, fee, executed_at
    FROM trades
    WHERE buyer_id = :buyer_id AND market = :market
    ORDER BY id DESC LIMIT 50`,
  sample: NOT_THE_USUAL_MARKET,
})
@PerformanceIndex('trades_of_seller_market', {
  on: ['sellerId', 'market', 'id'],
  serves: 'what somebody sold on one market, newest first',
  query: `SELECT id, market, quantity_wh, price_per_kwh, amount, fee, executed_at
    FROM trades
    WHERE seller_id = :seller_id AND market = :market
    ORDER BY id DESC LIMIT 50`,
  sample: NOT_THE_USUAL_MARKET,
})
@PerformanceIndex('trades_epoch_id', {
  on: ['epochId'],
  where: 'epoch_id IS NOT NULL',
  serves: 'the trades of an auction',
  query: `SELECT id, market, quantity_wh, price_per_kwh, amount, fee, executed_at
    FROM trades
    WHERE epoch_id = :epoch_id`,
})
@Unique(['market', 'sequence'])
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
