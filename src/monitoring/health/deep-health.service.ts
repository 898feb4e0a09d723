import { Injectable, Logger } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import { CacheService } from '../../cache/cache.service';
import { withinDeadline } from '../../common/deadline';
import { databaseFailure, isUnanswered, reasonOf } from '../../database/failures';
import { HealthChecks, type HealthCheck } from './health-checks';
import { deepHealth } from './health.cache';
import { HealthDatabase, PART_DEADLINE_MS } from './health-database';
import { worstOf, type DeepHealth, type PartHealth } from './part-health';
import { indicatorOf, resultOf } from './terminus-result';

/** The deep check: all that was declared, each on its own, kept for half a minute. */
@Injectable()
export class DeepHealthService {
  private readonly logger = new Logger('Health');

  constructor(
    private readonly terminus: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly checks: HealthChecks,
    private readonly database: HealthDatabase,
    private readonly cache: CacheService,
  ) {}

  read(): Promise<DeepHealth> {
    return this.cache.getOrCompute(deepHealth, () => this.look());
  }

  private async look(): Promise<DeepHealth> {
    const declared = this.checks.all();
    const { details } = await resultOf(
      this.terminus,
      declared.map(
        ([name, check]) =>
          async () =>
            indicatorOf(this.indicators, name, await this.judge(name, check)),
      ),
    );
    const parts = declared.map(([name]) => {
      const { status, ...told } = details[name] as unknown as PartHealth;
      return { name, status, ...told };
    });
    return { status: worstOf(parts.map(({ status }) => status)), asOf: new Date().toISOString(), parts };
  }

  /** What one part throws is its own: the others are told of all the same. */
  private async judge(name: string, check: HealthCheck): Promise<PartHealth> {
    try {
      return await withinDeadline(check(this.database), PART_DEADLINE_MS, name);
    } catch (error) {
      if (isUnanswered(error)) return UNKNOWN;
      if (databaseFailure(error) === undefined)
        this.logger.warn(`The health check ${name} failed: ${reasonOf(error)}`);
      return {
        status: 'down',
        detail: `It could not be looked at: ${reasonOf(error)}`,
        remedy: 'Mend what the sentence names; where PostgreSQL is away, that comes first.',
      };
    }
  }
}

const UNKNOWN: PartHealth = {
  status: 'degraded',
  detail: `It is not known: there was no answer within ${PART_DEADLINE_MS / 1000} seconds`,
  remedy: 'GET /api/admin/db/long-running and /api/admin/db/locks show what keeps PostgreSQL busy.',
};
