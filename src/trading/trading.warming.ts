import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CacheWarming, type WarmingStep } from '../cache/warming/cache-warming';
import { depthQuery, marketsQuery } from './dto/market.dto';
import { MarketDataService } from './market-data.service';
import type { MarketDataView } from './trading.views';

/** What everybody sees first of trading: the markets, and the books of those that trade. */
@Injectable()
export class TradingWarming implements OnModuleInit {
  constructor(
    private readonly warming: CacheWarming,
    private readonly data: MarketDataService,
  ) {}

  onModuleInit(): void {
    this.warming.declare(() => this.steps());
  }

  private *steps(): Generator<WarmingStep> {
    let markets: readonly MarketDataView[] = [];
    yield async () => ({ items: markets } = await this.data.list(marketsQuery.parse({})));
    const { depth } = depthQuery.parse({});
    for (const { id, status } of markets) {
      if (status !== 'open') continue;
      yield () => this.data.book(id, depth);
      yield () => this.data.one(id);
    }
  }
}
