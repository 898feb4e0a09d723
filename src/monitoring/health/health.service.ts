import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import { CacheService } from '../../cache/cache.service';
import { withinDeadline } from '../../common/deadline';
import { missingMigrations } from './applied-migrations';
import { HealthDatabase, PROBE_DEADLINE_MS } from './health-database';
import type { PartHealth } from './part-health';
import { indicatorOf, resultOf } from './terminus-result';

const FRESH_MS = 2_000;

/** What a process needs for its work. */
export interface Needs {
  readonly database: PartHealth;
  readonly migrations: PartHealth;
  readonly cache: PartHealth;
}

export interface Readiness {
  /** Only `ok` can serve. */
  readonly status: 'ok' | 'error' | 'shutting_down';
  readonly database: 'up' | 'down';
  /** `unknown` while the database does not answer. */
  readonly migrations: 'current' | 'missing' | 'unknown';
  readonly cache: 'up' | 'degraded';
  readonly details: Needs;
}

/** Whether this process can serve; asked at most every two seconds, however often it is probed. */
@Injectable()
export class HealthService implements OnModuleDestroy {
  private latest: { at: number; readiness: Promise<Readiness> } | undefined;
  private leaving = false;

  constructor(
    private readonly checks: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly database: HealthDatabase,
    private readonly cache: CacheService,
  ) {}

  /** Never older than two seconds: the look itself takes no longer than its deadline, and its age counts from its start. */
  async readiness(): Promise<Readiness> {
    const now = performance.now();
    if (this.latest === undefined || now - this.latest.at > FRESH_MS) {
      this.latest = { at: now, readiness: this.look() };
    }
    const readiness = await this.latest.readiness;
    return this.leaving ? { ...readiness, status: 'shutting_down' } : readiness;
  }

  /** Nest calls it before it stops to listen: whoever still asks is to go elsewhere. */
  onModuleDestroy(): void {
    this.leaving = true;
  }

  private async look(): Promise<Readiness> {
    const [missing, isAnswering] = await Promise.all([this.missing(), this.isCacheAnswering()]);
    const needs: Needs = {
      database: databaseHealth(missing),
      migrations: migrationsHealth(missing),
      cache: cacheHealth(isAnswering, this.cache.isShared),
    };
    const { status } = await resultOf(
      this.checks,
      Object.entries(needs).map(
        ([name, need]: [string, PartHealth]) =>
          () =>
            indicatorOf(this.indicators, name, need),
      ),
    );
    return {
      status: status === 'degraded' ? 'ok' : status,
      database: missing === undefined ? 'down' : 'up',
      migrations: missing === undefined ? 'unknown' : missing.length > 0 ? 'missing' : 'current',
      cache: isAnswering ? 'up' : 'degraded',
      details: needs,
    };
  }

  /** Undefined while the database does not answer. */
  private missing(): Promise<string[] | undefined> {
    return withinDeadline(missingMigrations(this.database), PROBE_DEADLINE_MS, 'PostgreSQL').catch(
      () => undefined,
    );
  }

  private isCacheAnswering(): Promise<boolean> {
    return withinDeadline(this.cache.isAnswering(), PROBE_DEADLINE_MS, 'The cache').catch(() => false);
  }
}

// Everybody may read these: neither the words of PostgreSQL nor addresses are in them.

const databaseHealth = (missing: readonly string[] | undefined): PartHealth =>
  missing === undefined
    ? {
        status: 'down',
        detail: 'PostgreSQL does not answer',
        remedy: 'See that it runs; the log says why it cannot be reached. It is taken up again by itself.',
      }
    : { status: 'up', detail: 'PostgreSQL answers' };

function migrationsHealth(missing: readonly string[] | undefined): PartHealth {
  if (missing === undefined)
    return {
      status: 'degraded',
      detail: 'Which migrations are applied is not known while PostgreSQL does not answer',
      remedy: 'Mend the database first.',
    };
  if (missing.length === 0) return { status: 'up', detail: 'All migrations of this release are applied' };
  return {
    status: 'down',
    detail: `Not applied: ${missing.join(', ')}`,
    remedy: 'Run npm run db:migrate, or start this release again.',
  };
}

function cacheHealth(isAnswering: boolean, isShared: boolean): PartHealth {
  const where = isShared ? 'Redis' : 'The memory of this process';
  return isAnswering
    ? { status: 'up', detail: `${where} answers` }
    : {
        status: 'degraded',
        detail: 'The cache does not answer: answers are computed, which is slower',
        remedy: isShared
          ? 'See that Redis runs; it is taken up again by itself.'
          : 'It comes back by itself as soon as PostgreSQL answers, by which processes hear of each other.',
      };
}
