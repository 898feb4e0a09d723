import { Global, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { DeepHealthController } from './deep-health.controller';
import { DeepHealthService } from './deep-health.service';
import { HealthChecks } from './health-checks';
import { HealthController } from './health.controller';
import { HealthDatabase } from './health-database';
import { HealthService } from './health.service';
import { ServerChecks } from './server-checks';

/** Whether a process lives and can serve, and whether the server behind it is in order. */
@Global()
@Module({
  imports: [TerminusModule.forRoot({ logger: false, gracefulShutdownTimeoutMs: 0 })],
  controllers: [HealthController, DeepHealthController],
  providers: [HealthDatabase, HealthService, HealthChecks, DeepHealthService, ServerChecks],
  exports: [HealthChecks, HealthService, DeepHealthService],
})
export class HealthModule {}
