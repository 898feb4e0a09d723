import { Module, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Partitions } from '../database/partitions';
import { JobsService } from '../jobs/jobs.service';
import { MaintenanceModule } from '../monitoring/maintenance/maintenance.module';
import { MeterReading } from './meter-reading.entity';
import { Meter } from './meter.entity';
import { MetersController } from './meters.controller';
import { meterMetrics } from './meters.metrics';
import { MetersService } from './meters.service';
import { Mint } from './mint.entity';
import { MintEvidenceService } from './mint-evidence.service';
import { MintingService } from './minting.service';
import { ReadingRevision } from './reading-revision.entity';
import { ReadingsIntakeService } from './readings-intake.service';
import { ReadingsController } from './readings.controller';
import { ReadingsService } from './readings.service';

@Module({
  imports: [TypeOrmModule.forFeature([Meter, MeterReading, ReadingRevision, Mint]), MaintenanceModule],
  controllers: [ReadingsController, MetersController],
  providers: [
    MetersService,
    ReadingsService,
    ReadingsIntakeService,
    MintingService,
    MintEvidenceService,
    ...meterMetrics,
  ],
  exports: [MetersService, MintEvidenceService],
})
export class MetersModule implements OnModuleInit, OnApplicationBootstrap {
  constructor(
    private readonly partitions: Partitions,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.declareRecurring('meters.partitions', '27 1 * * *', () => this.prepareComingMonths());
  }

  onApplicationBootstrap(): Promise<void> {
    return this.prepareComingMonths();
  }

  /** Readings come for the present month and those after it; earlier months get theirs when one comes. */
  private prepareComingMonths(): Promise<void> {
    return this.partitions.ensureComing('meter_readings', new Date());
  }
}
