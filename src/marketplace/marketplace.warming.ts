import { Injectable, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import { CacheWarming, type WarmingStep } from '../cache/warming/cache-warming';
import { pageQuery } from '../common/request-schemas';
import { OfferListing } from './offer-listing';

/** What everybody sees first of the marketplace: the cheapest offers. */
@Injectable()
export class MarketplaceWarming implements OnModuleInit {
  constructor(
    private readonly warming: CacheWarming,
    private readonly listing: OfferListing,
  ) {}

  onModuleInit(): void {
    this.warming.declare(() => this.steps());
  }

  private *steps(): Generator<WarmingStep> {
    const firstPage = z.object(pageQuery).parse({});
    yield () => this.listing.active({ ...firstPage, sort: 'price' });
  }
}
