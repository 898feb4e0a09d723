import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobsService } from '../jobs/jobs.service';
import { EnergyOrdersService } from './energy-orders.service';
import { OffersService } from './offers.service';

/** Gives back, every minute, what offers and orders hold whose time is over. Nobody can buy from them before that either. */
@Injectable()
export class MarketplaceExpiry implements OnModuleInit {
  constructor(
    private readonly jobs: JobsService,
    private readonly offers: OffersService,
    private readonly orders: EnergyOrdersService,
  ) {}

  onModuleInit(): void {
    this.jobs.declareRecurring('marketplace.expiry', '* * * * *', () => this.run());
  }

  async run(): Promise<void> {
    await this.offers.expireDue();
    await this.orders.expireDue();
  }
}
