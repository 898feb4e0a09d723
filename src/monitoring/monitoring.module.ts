import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { CacheAdminController } from './cache/cache-admin.controller';
import { CacheAdminService } from './cache/cache-admin.service';
import { HealthController } from './health.controller';
import { HealthService } from './health.service';
import { metrics } from './metrics/metrics';
import { MetricsController } from './metrics/metrics.controller';
import { ReportDatabase } from './reports/report-database';
import { ReportsController } from './reports/reports.controller';
import { ReportsService } from './reports/reports.service';

@Module({
  imports: [
    PrometheusModule.register({ controller: MetricsController }),
    TerminusModule.forRoot({ logger: false, gracefulShutdownTimeoutMs: 0 }),
  ],
  controllers: [HealthController, CacheAdminController, ReportsController],
  providers: [HealthService, CacheAdminService, ReportDatabase, ReportsService, ...metrics],
})
export class MonitoringModule {}
