import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MarketDataService } from './market-data.service';
import { MarketEpoch } from './market-epoch.entity';
import { Market } from './market.entity';
import { MarketsController } from './markets.controller';
import { MarketsMetrics, marketsMetricProvider } from './markets.metrics';
import { MarketsService } from './markets.service';
import { OrderBookQueries } from './order-book.queries';
import { OrderEndingsService } from './order-endings.service';
import { OrderExecutionService } from './order-execution.service';
import { OrderHistoryService } from './order-history.service';
import { OrdersController } from './orders.controller';
import { OrdersService } from './orders.service';
import { Trade } from './trade.entity';
import { TradingOrder } from './trading-order.entity';
import { TradingMetrics, tradingMetricProviders } from './trading.metrics';
import { TradingWarming } from './trading.warming';

/** The order books: placing, matching and settling orders, and what the markets show of it. */
@Module({
  imports: [TypeOrmModule.forFeature([Market, TradingOrder, Trade, MarketEpoch])],
  controllers: [MarketsController, OrdersController],
  providers: [
    MarketsService,
    MarketDataService,
    OrdersService,
    OrderExecutionService,
    OrderEndingsService,
    OrderHistoryService,
    OrderBookQueries,
    TradingWarming,
    MarketsMetrics,
    marketsMetricProvider,
    TradingMetrics,
    ...tradingMetricProviders,
  ],
})
export class TradingModule {}
