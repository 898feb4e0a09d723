import type { CacheReport } from '../../cache/cache.service';
import type { Environment } from '../../config/environment';
import type { ReportAnswer } from '../reports/report-reader';
import type { ReportSource } from '../reports/report-source';
import type { WatchedStatements } from './statement-watch';

/** What a running server knows beside PostgreSQL. */
export interface ServerSight {
  cache(): Promise<CacheReport>;
  readonly statements: WatchedStatements;
  readonly metrics: MetricsSight;
}

export interface MetricsSight {
  /** Whether a metric is registered. */
  has(name: string): boolean;
  /** When /metrics was last asked for; undefined for never. */
  readonly scrapedAt: Date | undefined;
  /** How many times a connection of the pool was waited for, and how many of these took longer than 0.1 s. */
  acquisitions(): Promise<{ readonly all: number; readonly long: number }>;
}

/** What boxes are judged by. */
export interface Sight {
  readonly environment: Environment;
  readonly source: ReportSource;
  /** As which the application works, by what PostgreSQL calls it on one of its connections. */
  applicationRole(): Promise<string>;
  /**
   * A report of `/api/admin/db`, read once for all boxes.
   * @param from of one with a history: since when
   */
  report(name: string, from?: Date): Promise<ReportAnswer>;
  /** What SHOW says on a connection of the application, as its pool opens them. */
  showSetting(name: 'statement_timeout' | 'idle_in_transaction_session_timeout'): Promise<string>;
  /** Undefined where no server runs in this process. */
  readonly server: ServerSight | undefined;
}
