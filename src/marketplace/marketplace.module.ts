import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EnergyOrder } from './energy-order.entity';
import { EnergyOrdersController } from './energy-orders.controller';
import { EnergyOrdersService } from './energy-orders.service';
import { EnergyTransaction } from './energy-transaction.entity';
import { MarketplaceWarming } from './marketplace.warming';
import { MarketplaceExpiry } from './marketplace-expiry';
import { MarketplaceOperations, operationsCounter } from './marketplace-operations';
import { MatchingService } from './matching.service';
import { OfferListing } from './offer-listing';
import { EnergyOffer } from './offer.entity';
import { OffersController } from './offers.controller';
import { OffersService } from './offers.service';
import { PurchasesService } from './purchases.service';
import { TransactionsController } from './transactions.controller';
import { TransactionsService } from './transactions.service';

@Module({
  imports: [TypeOrmModule.forFeature([EnergyOffer, EnergyOrder, EnergyTransaction])],
  controllers: [OffersController, EnergyOrdersController, TransactionsController],
  providers: [
    operationsCounter,
    MarketplaceOperations,
    OfferListing,
    OffersService,
    PurchasesService,
    EnergyOrdersService,
    MatchingService,
    TransactionsService,
    MarketplaceExpiry,
    MarketplaceWarming,
  ],
})
export class MarketplaceModule {}
