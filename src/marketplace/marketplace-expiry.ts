import { Injectable, type OnModuleInit } from '@nestjs/common';
import { inBatches } from '../database/batches';
import { DatabaseService } from '../database/database.service';
import { JobsService } from '../jobs/jobs.service';
import { EnergyOrdersService } from './energy-orders.service';
import { OffersService } from './offers.service';

/** How many offers or orders one transaction closes. */
const BATCH = 500;

/** Gives back, every minute, what offers and orders hold whose time is over. Nobody can buy from them before that either. */
@Injectable()
export class MarketplaceExpiry implements OnModuleInit {
  constructor(
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
    private readonly offers: OffersService,
    private readonly orders: EnergyOrdersService,
  ) {}

  onModuleInit(): void {
    this.jobs.declareRecurring('marketplace.expiry', '* * * * *', () => this.run());
  }

  async run(): Promise<void> {
    await inBatches(this.database, BATCH, (tx, size) => this.offers.expireDue(tx, size));
    await inBatches(this.database, BATCH, (tx, size) => this.orders.expireDue(tx, size));
  }
}
