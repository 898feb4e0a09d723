import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { ScrapeFigures } from '../monitoring/metrics/scrape-figures';
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

const COUNTS = `
SELECT coalesce(jsonb_agg(to_jsonb(c)), '[]') AS counts
  FROM (SELECT mechanism, status, count(*) AS markets FROM markets GROUP BY mechanism, status) AS c`;

/** How many markets trade, whichever process halted them. */
@Injectable()
export class MarketsMetrics implements OnModuleInit {
  constructor(
    private readonly figures: ScrapeFigures,
    @InjectMetric(MARKETS) private readonly markets: Gauge<'mechanism' | 'status'>,
  ) {}

  onModuleInit(): void {
    this.figures.add<{ counts: readonly MarketCount[] }>({
      name: 'markets',
      sql: COUNTS,
      readsTables: true,
      gauges: [this.markets],
      show: ({ counts }) => this.show(counts),
    });
  }

  private show(counts: readonly MarketCount[]): void {
    this.markets.reset();
    for (const { markets, ...labels } of counts) this.markets.set(labels, markets);
  }
}
