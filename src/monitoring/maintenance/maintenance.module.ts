import { Module } from '@nestjs/common';
import { MaintenanceService } from './maintenance.service';
import { OwnerWork } from './owner-work';

/** For those who import much, and for what admins start by hand. */
@Module({ providers: [OwnerWork, MaintenanceService], exports: [OwnerWork, MaintenanceService] })
export class MaintenanceModule {}
