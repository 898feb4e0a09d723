import { Global, Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import type { Config } from '../config/config';
import { ActionsController } from './actions/actions.controller';
import { actions } from './actions/actions.providers';
import { CacheAdminController } from './cache/cache-admin.controller';
import { CacheAdminService } from './cache/cache-admin.service';
import { ChecklistController } from './checklist/checklist.controller';
import { checklist } from './checklist/checklist.providers';
import { PerformanceEvidence } from './checklist/performance-evidence.entity';
import { HealthModule } from './health/health.module';
import { HistoryModule } from './history/history.module';
import { MaintenanceModule } from './maintenance/maintenance.module';
import { metrics, observers } from './metrics/metrics';
import { MetricsController } from './metrics/metrics.controller';
import { ScrapeFigures } from './metrics/scrape-figures';
import { QueriesController } from './reports/queries.controller';
import { ReportDatabase } from './reports/report-database';
import { ReportsController } from './reports/reports.controller';
import { ReportsService } from './reports/reports.service';

const prometheus = (isCounting: boolean): DynamicModule =>
  PrometheusModule.register({ controller: MetricsController, defaultMetrics: { enabled: isCounting } });
/** The metrics of a process are registered once, however many applications it runs. */
let counting: DynamicModule | undefined;

/** What operators look at. Domains add what only PostgreSQL knows of them to the figures of /metrics. */
@Global()
@Module({})
export class MonitoringModule {
  /** @param config with METRICS_ENABLED=false nothing is counted, and /metrics is not there */
  static of({ environment }: Config): DynamicModule {
    const isCounting = environment.METRICS_ENABLED;
    return {
      module: MonitoringModule,
      imports: [
        TypeOrmModule.forFeature([PerformanceEvidence]),
        isCounting ? (counting ??= prometheus(true)) : prometheus(false),
        HealthModule,
        HistoryModule,
        MaintenanceModule,
      ],
      controllers: [
        CacheAdminController,
        ChecklistController,
        QueriesController,
        ReportsController,
        ActionsController,
      ],
      providers: [
        CacheAdminService,
        ReportDatabase,
        ReportsService,
        ...actions,
        ...checklist,
        ...metrics,
        ...(isCounting ? observers : []),
      ],
      exports: [ScrapeFigures],
    };
  }
}
