import { Global, Module, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { inBatches } from '../database/batches';
import { DatabaseService } from '../database/database.service';
import { JobsService } from '../jobs/jobs.service';
import { AuditController } from './audit.controller';
import { AuditLog } from './audit-log.entity';
import { AuditService } from './audit.service';
import { IdempotencyKey } from './idempotency-key.entity';
import { IdempotencyService } from './idempotency.service';

/** How many idempotency keys one transaction forgets. */
const FORGOTTEN_AT_ONCE = 1_000;

@Global()
@Module({
  imports: [TypeOrmModule.forFeature([AuditLog, IdempotencyKey])],
  controllers: [AuditController],
  providers: [AuditService, IdempotencyService],
  exports: [AuditService, IdempotencyService],
})
export class AuditModule implements OnModuleInit, OnApplicationBootstrap {
  constructor(
    private readonly audit: AuditService,
    private readonly idempotency: IdempotencyService,
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.declareRecurring('audit.partitions', '7 1 * * *', () => this.audit.prepareComingMonths());
    this.jobs.declareRecurring('idempotency.forget', '27 * * * *', async () => {
      await inBatches(this.database, FORGOTTEN_AT_ONCE, (tx, size) => this.idempotency.forgetOld(tx, size));
    });
  }

  onApplicationBootstrap(): Promise<void> {
    return this.audit.prepareComingMonths();
  }
}
