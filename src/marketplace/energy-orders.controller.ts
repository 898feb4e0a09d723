import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CurrentUser, Participants } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import { energySource, instant, kwh, orNone, pageQuery, pricePerKwh, uuid } from '../common/request-schemas';
import { Idempotency, type IdempotentRequest } from '../http/idempotency-key';
import { EnergyOrdersService } from './energy-orders.service';
import { ENERGY_ORDER_STATUSES } from './life-cycle';
import { MatchingService } from './matching.service';

const ordersQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(ENERGY_ORDER_STATUSES).optional(),
  userId: uuid().optional(),
});
const orderBody = z.strictObject({
  amountKwh: kwh(),
  maxPricePerKwh: pricePerKwh(),
  preferredSource: orNone(energySource()),
  expiresAt: orNone(instant()),
});
const byId = z.strictObject({ id: uuid() });

@ApiTags('marketplace')
@Controller('api/orders')
export class EnergyOrdersController {
  constructor(
    private readonly orders: EnergyOrdersService,
    private readonly matching: MatchingService,
  ) {}

  /** Places an order and reserves the money for it; it buys when its owner asks for a match. */
  @Post()
  @Participants()
  place(
    @CurrentUser() user: Principal,
    @Body({ schema: orderBody }) body: z.output<typeof orderBody>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.orders.place(user, body, request);
  }

  /** The caller's orders, newest first; admins, operators and auditors may name another user. */
  @Get()
  list(@CurrentUser() user: Principal, @Query({ schema: ordersQuery }) query: z.output<typeof ordersQuery>) {
    return this.orders.list(user, query);
  }

  @Get(':id')
  get(@CurrentUser() user: Principal, @Param({ schema: byId }) { id }: z.output<typeof byId>) {
    return this.orders.get(user, id);
  }

  /** Buys for the order from the cheapest offers that it accepts, each at the offer's price. */
  @Post(':id/match')
  @Participants()
  @HttpCode(200)
  match(
    @CurrentUser() user: Principal,
    @Param({ schema: byId }) { id }: z.output<typeof byId>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.matching.match(user, id, request);
  }

  /** Ends an order; the money it still has reserved is the buyer's again. */
  @Delete(':id')
  @Participants()
  cancel(
    @CurrentUser() user: Principal,
    @Param({ schema: byId }) { id }: z.output<typeof byId>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.orders.cancel(user, id, request);
  }
}
