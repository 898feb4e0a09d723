import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CurrentUser, Participants, Public } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import { HttpCache } from '../cache/http/http-cache.decorator';
import {
  booleanQuery,
  energySource,
  instant,
  kwh,
  kwhOrZero,
  pageQuery,
  priceOrZero,
  pricePerKwh,
  uuid,
} from '../common/request-schemas';
import { Idempotency, type IdempotentRequest } from '../http/idempotency-key';
import { offersOverHttp } from './marketplace.cache';
import { OffersService } from './offers.service';
import { PurchasesService } from './purchases.service';

const filters = {
  source: energySource().optional(),
  minPrice: priceOrZero().optional(),
  maxPrice: priceOrZero().optional(),
  minKwh: kwhOrZero().optional(),
  availableAt: instant().optional(),
};
const offersQuery = z
  .strictObject({
    ...pageQuery,
    ...filters,
    sort: z.enum(['price', 'newest']).default('price'),
    mine: booleanQuery().default(false),
  })
  .superRefine((query, context) => {
    if (!query.mine) return;
    for (const field of Object.keys(filters) as (keyof typeof filters)[]) {
      if (query[field] === undefined) continue;
      context.addIssue({
        code: 'custom',
        path: [field],
        message: 'does not go with mine, which lists all your offers',
      });
    }
  });
const offerBody = z.strictObject({
  energySource: energySource(),
  amountKwh: kwh(),
  pricePerKwh: pricePerKwh(),
  availableFrom: instant().optional(),
  availableUntil: instant().optional(),
});
const purchaseBody = z.strictObject({ amountKwh: kwh() });
const byId = z.strictObject({ id: uuid() });

@ApiTags('marketplace')
@Controller('api/offers')
export class OffersController {
  constructor(
    private readonly offers: OffersService,
    private readonly purchases: PurchasesService,
  ) {}

  /** Active offers, cheapest first; with `mine` everything that the caller has offered, newest first. */
  @Get()
  @Public()
  @HttpCache(offersOverHttp)
  list(
    @CurrentUser() user: Principal | undefined,
    @Query({ schema: offersQuery }) query: z.output<typeof offersQuery>,
  ) {
    return this.offers.list(user, query);
  }

  @Get(':id')
  @Public()
  get(@CurrentUser() user: Principal | undefined, @Param({ schema: byId }) { id }: z.output<typeof byId>) {
    return this.offers.get(user, id);
  }

  /** Lists energy for sale and reserves it. */
  @Post()
  @Participants()
  offer(
    @CurrentUser() user: Principal,
    @Body({ schema: offerBody }) body: z.output<typeof offerBody>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.offers.offer(user, body, request);
  }

  /** Buys from an offer; energy and money change hands at once. */
  @Post(':id/purchase')
  @Participants()
  purchase(
    @CurrentUser() user: Principal,
    @Param({ schema: byId }) { id }: z.output<typeof byId>,
    @Body({ schema: purchaseBody }) { amountKwh }: z.output<typeof purchaseBody>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.purchases.purchase(user, id, amountKwh, request);
  }

  /** Takes an offer off the market; what is left of it is the seller's again. */
  @Delete(':id')
  @Participants()
  cancel(
    @CurrentUser() user: Principal,
    @Param({ schema: byId }) { id }: z.output<typeof byId>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.offers.cancel(user, id, request);
  }
}
