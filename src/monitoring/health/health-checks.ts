import { Injectable } from '@nestjs/common';
import type { PartHealth } from './part-health';

/** What a check may ask. */
export interface HealthSource {
  /** Runs a statement that changes nothing, as the owner of the database, for two seconds at most. */
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/**
 * Looks at one part of the server. It has two seconds together with all others, and runs twice a minute at most; what it
 * throws is told as `down`, so it need not catch that the database is away.
 */
export type HealthCheck = (source: HealthSource) => Promise<PartHealth>;

/** What the deep check looks at. Domains declare their own in onModuleInit. */
@Injectable()
export class HealthChecks {
  private readonly declared = new Map<string, HealthCheck>();

  /**
   * @param name one word for people and machines: `ledger`
   * @throws Error when another check has that name
   */
  declare(name: string, check: HealthCheck): void {
    if (this.declared.has(name)) throw new Error(`There are two health checks called ${name}: rename one`);
    this.declared.set(name, check);
  }

  /** In the order in which they were declared. */
  all(): readonly (readonly [name: string, check: HealthCheck])[] {
    return [...this.declared];
  }
}
