import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { CacheAdminController } from './cache/cache-admin.controller';
import { CacheAdminService } from './cache/cache-admin.service';
import { HealthController } from './health.controller';
import { HealthService } from './health.service';
import { MetricsCollector } from './metrics.collector';
import { MetricsController } from './metrics.controller';
import { metricProviders } from './metrics.providers';

@Module({
  imports: [
    PrometheusModule.register({ controller: MetricsController }),
    TerminusModule.forRoot({ logger: false, gracefulShutdownTimeoutMs: 0 }),
  ],
  controllers: [HealthController, CacheAdminController],
  providers: [HealthService, CacheAdminService, MetricsCollector, ...metricProviders],
})
export class MonitoringModule {}
