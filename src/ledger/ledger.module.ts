import { Global, Module, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Partitions } from '../database/partitions';
import { JobsService } from '../jobs/jobs.service';
import { HealthChecks } from '../monitoring/health/health-checks';
import { UsersService } from '../users/users.service';
import { LedgerAccount } from './ledger-account.entity';
import { LedgerBooksService } from './ledger-books.service';
import { LedgerController } from './ledger.controller';
import { LedgerEntry } from './ledger-entry.entity';
import { ledgerInvariants } from './ledger-invariants';
import { LedgerService } from './ledger.service';
import { LedgerTransfer } from './ledger-transfer.entity';
import { SupplyService } from './supply.service';
import { Withdrawal } from './withdrawal.entity';
import { WithdrawalsService } from './withdrawals.service';

@Global()
@Module({
  imports: [TypeOrmModule.forFeature([LedgerAccount, LedgerTransfer, LedgerEntry, Withdrawal])],
  controllers: [LedgerController],
  providers: [LedgerService, LedgerBooksService, WithdrawalsService, SupplyService],
  exports: [LedgerService, SupplyService],
})
export class LedgerModule implements OnModuleInit, OnApplicationBootstrap {
  constructor(
    private readonly partitions: Partitions,
    private readonly jobs: JobsService,
    private readonly users: UsersService,
    private readonly books: LedgerBooksService,
    private readonly health: HealthChecks,
  ) {}

  onModuleInit(): void {
    this.users.onClosing((tx, userId) => this.books.requireNothingReserved(tx, userId));
    this.jobs.declareRecurring('ledger.partitions', '17 1 * * *', () => this.prepareComingMonths());
    this.health.declare('ledger', ledgerInvariants);
  }

  onApplicationBootstrap(): Promise<void> {
    return this.prepareComingMonths();
  }

  private prepareComingMonths(): Promise<void> {
    return this.partitions.ensureComing('ledger_entries', new Date());
  }
}
