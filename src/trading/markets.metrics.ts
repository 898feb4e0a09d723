import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { DatabaseService } from '../database/database.service';
import { reasonOf } from '../database/failures';
import type { MarketStatus, Mechanism } from './market-terms';

const MARKETS = 'trading_markets';
/** However often and by how many it is scraped. */
const READ_EVERY_MS = 15_000;

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

/** How many markets trade, whichever process halted them; read behind the scrape that finds it old. */
@Injectable()
export class MarketsMetrics implements OnModuleInit {
  private readonly logger = new Logger('Metrics');
  private reading: Promise<void> | undefined;
  private readAt = -Infinity;

  constructor(
    private readonly database: DatabaseService,
    @InjectMetric(MARKETS) private readonly markets: Gauge<'mechanism' | 'status'>,
  ) {}

  onModuleInit(): void {
    Object.assign(this.markets, { collect: () => this.refresh() });
  }

  /** @returns what to wait for, where there are no figures yet */
  private refresh(): Promise<void> | undefined {
    const isFirst = this.readAt === -Infinity;
    if (this.reading === undefined && performance.now() - this.readAt >= READ_EVERY_MS)
      this.reading = this.read().finally(() => (this.reading = undefined));
    return isFirst ? this.reading : undefined;
  }

  private async read(): Promise<void> {
    try {
      const counts = await this.database.query<MarketCount>(
        'SELECT mechanism, status, count(*)::int AS markets FROM markets GROUP BY mechanism, status',
      );
      this.markets.reset();
      for (const { markets, ...labels } of counts) this.markets.set(labels, markets);
    } catch (error) {
      this.logger.warn(`Markets could not be counted for /metrics: ${reasonOf(error)}`);
    }
    this.readAt = performance.now();
  }
}
