import { Logger } from '@nestjs/common';
import type { Gauge } from 'prom-client';
import { reasonOf } from '../../database/failures';

/** However often and by how many it is scraped. */
const READ_EVERY_MS = 15_000;

/**
 * Figures that cost a question to PostgreSQL: read at most every 15 seconds and behind the scrape that finds them old; a
 * scrape waits for the first ones only. While PostgreSQL is away the last ones stay.
 */
export class FiguresBehindScrapes {
  private readonly logger = new Logger('Metrics');
  private reading: Promise<void> | undefined;
  private readAt = -Infinity;

  /**
   * @param read asks for the figures and sets the gauges
   * @param failure what to say before the reason when that fails
   */
  constructor(
    private readonly read: () => Promise<void>,
    private readonly failure: string,
  ) {}

  /** Whichever of the gauges is asked first: all of them change together. */
  showIn(...gauges: readonly Gauge[]): void {
    for (const gauge of gauges) Object.assign(gauge, { collect: () => this.refresh() });
  }

  /** @returns what to wait for, where there are no figures yet */
  private refresh(): Promise<void> | undefined {
    const isFirst = this.readAt === -Infinity;
    if (this.reading === undefined && performance.now() - this.readAt >= READ_EVERY_MS)
      this.reading = this.readOnce().finally(() => (this.reading = undefined));
    return isFirst ? this.reading : undefined;
  }

  private async readOnce(): Promise<void> {
    try {
      await this.read();
    } catch (error) {
      this.logger.warn(`${this.failure}: ${reasonOf(error)}`);
    }
    this.readAt = performance.now();
  }
}
