import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { DatabaseService } from '../database/database.service';
import { FiguresBehindScrapes } from '../monitoring/metrics/figures-behind-scrapes';
import type { MarketStatus, Mechanism } from './market-terms';

const MARKETS = 'trading_markets';

export const marketsMetricProvider = makeGaugeProvider({
  name: MARKETS,
  help: 'Markets by how they find prices and whether they trade; auctions are halted until they are held',
  labelNames: ['mechanism', 'status'],
});

interface MarketCount {
  readonly mechanism: Mechanism;
  readonly status: MarketStatus;
  readonly markets: number;
}

/** How many markets trade, whichever process halted them. */
@Injectable()
export class MarketsMetrics implements OnModuleInit {
  constructor(
    private readonly database: DatabaseService,
    @InjectMetric(MARKETS) private readonly markets: Gauge<'mechanism' | 'status'>,
  ) {}

  onModuleInit(): void {
    new FiguresBehindScrapes(() => this.count(), 'Markets could not be counted for /metrics').showIn(
      this.markets,
    );
  }

  private async count(): Promise<void> {
    const counts = await this.database.query<MarketCount>(
      'SELECT mechanism, status, count(*)::int AS markets FROM markets GROUP BY mechanism, status',
    );
    this.markets.reset();
    for (const { markets, ...labels } of counts) this.markets.set(labels, markets);
  }
}
