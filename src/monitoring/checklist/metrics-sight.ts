import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import { register, type Gauge } from 'prom-client';
import type { MetricsSight } from './sight';

const SCRAPED = 'metrics_scraped_timestamp_seconds';
const ACQUIRE = 'database_connection_acquire_seconds';
/** A bound of that histogram's buckets. */
const LONG_WAIT_SECONDS = 0.1;

export const scrapeMetricProvider = makeGaugeProvider({
  name: SCRAPED,
  help: 'When /metrics was asked for, in seconds since 1970',
});

/** What the registry of metrics knows, and when somebody last asked it. */
@Injectable()
export class RegistrySight implements MetricsSight, OnModuleInit {
  private lastScrape: Date | undefined;

  constructor(@InjectMetric(SCRAPED) private readonly scraped: Gauge) {}

  get scrapedAt(): Date | undefined {
    return this.lastScrape;
  }

  onModuleInit(): void {
    Object.assign(this.scraped, { collect: () => this.note() });
  }

  has(name: string): boolean {
    return register.getSingleMetric(name) !== undefined;
  }

  async acquisitions(): Promise<{ all: number; long: number }> {
    const found = await register.getSingleMetric(ACQUIRE)?.get();
    const values = (found?.values ?? []) as {
      metricName?: string;
      labels: { le?: unknown };
      value: number;
    }[];
    const all = values.find(({ metricName }) => metricName === `${ACQUIRE}_count`)?.value ?? 0;
    const short = values.find(({ labels }) => labels.le === LONG_WAIT_SECONDS)?.value ?? 0;
    return { all, long: all - short };
  }

  private note(): void {
    this.lastScrape = new Date();
    this.scraped.set(this.lastScrape.getTime() / 1000);
  }
}
