import { Injectable } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService, type HealthCheckResult } from '@nestjs/terminus';
import { ServiceUnavailableException } from '@nestjs/common';
import { CacheService } from '../cache/cache.service';
import { DatabaseService } from '../database/database.service';

const FRESH_MS = 2_000;
const PING_DEADLINE_MS = 1_500;

export interface Readiness extends Pick<HealthCheckResult, 'status' | 'details'> {
  readonly database: 'up' | 'down';
  readonly cache: 'up' | 'degraded';
}

/** Whether this process can serve; asked at most every two seconds, however often it is probed. */
@Injectable()
export class HealthService {
  private latest: { at: number; readiness: Promise<Readiness> } | undefined;

  constructor(
    private readonly checks: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly database: DatabaseService,
    private readonly cache: CacheService,
  ) {}

  readiness(): Promise<Readiness> {
    const now = performance.now();
    if (this.latest === undefined || now - this.latest.at > FRESH_MS) {
      this.latest = { at: now, readiness: this.check() };
    }
    return this.latest.readiness;
  }

  private async check(): Promise<Readiness> {
    const result = await this.run();
    const cache = (await this.cache.isAnswering()) ? 'up' : 'degraded';
    return {
      status: result.status,
      database: result.details['database']?.status === 'up' ? 'up' : 'down',
      cache,
      details: {
        ...result.details,
        cache: { status: 'up', tier: this.cache.isShared ? 'redis' : 'memory', answers: cache === 'up' },
      },
    };
  }

  /** Terminus throws when something is down; the answer is the same shape either way. */
  private async run(): Promise<HealthCheckResult> {
    try {
      return await this.checks.check([() => this.pingDatabase()]);
    } catch (error) {
      if (!(error instanceof ServiceUnavailableException)) throw error;
      return error.getResponse() as HealthCheckResult;
    }
  }

  private async pingDatabase() {
    const indicator = this.indicators.check('database');
    return (await answers(this.database.query('SELECT 1 AS alive'))) ? indicator.up() : indicator.down();
  }
}

/** True when it answers before the deadline. */
async function answers(question: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PING_DEADLINE_MS);
  });
  try {
    return await Promise.race([question.then(() => true), deadline]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
