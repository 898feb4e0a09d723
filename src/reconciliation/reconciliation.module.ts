import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CertificatesModule } from '../certificates/certificates.module';
import { LedgerModule } from '../ledger/ledger.module';
import { MetersModule } from '../meters/meters.module';
import { DatasetRow } from './dataset-row.entity';
import { Dataset } from './dataset.entity';
import { EnergyEvidence } from './energy-evidence';
import { EnergyReconciliationService } from './energy-reconciliation.service';
import { Project } from './project.entity';
import { ReconciliationBreak } from './reconciliation-break.entity';
import { ReconciliationItem } from './reconciliation-item.entity';
import { ReconciliationRule } from './reconciliation-rule.entity';
import { ReconciliationController } from './reconciliation.controller';
import { Reconciliation } from './reconciliation.entity';
import { ReconciliationMetrics, reconciliationMetricProvider } from './reconciliation.metrics';
import { ReconciliationService } from './reconciliation.service';

@Module({
  imports: [
    TypeOrmModule.forFeature([
      Project,
      Dataset,
      DatasetRow,
      ReconciliationRule,
      Reconciliation,
      ReconciliationItem,
      ReconciliationBreak,
    ]),
    LedgerModule,
    MetersModule,
    CertificatesModule,
  ],
  controllers: [ReconciliationController],
  providers: [
    ReconciliationService,
    EnergyReconciliationService,
    EnergyEvidence,
    ReconciliationMetrics,
    reconciliationMetricProvider,
  ],
})
export class ReconciliationModule {}
