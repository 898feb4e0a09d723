import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { CurrentUser, Participants } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import { Idempotency, type IdempotentRequest } from '../http/idempotency-key';
import { historyQuery } from './dto/market.dto';
import { batchBody, orderBody, orderById, ordersQuery } from './dto/order.dto';
import { OrderEndingsService } from './order-endings.service';
import { OrderHistoryService } from './order-history.service';
import { OrdersService } from './orders.service';

@ApiTags('trading')
@Controller('api/trading')
export class OrdersController {
  constructor(
    private readonly orders: OrdersService,
    private readonly endings: OrderEndingsService,
    private readonly past: OrderHistoryService,
  ) {}

  /** Reserves, matches and settles at once; the answer shows what was filled and what waits. */
  @Post('orders')
  @Participants()
  place(
    @CurrentUser() user: Principal,
    @Body({ schema: orderBody }) order: z.output<typeof orderBody>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.orders.place(user, order, request);
  }

  /** Up to 1000 orders in one transaction, in their order. Each is answered on its own, a bad one refused alone. */
  @Post('orders/batch')
  @Participants()
  placeBatch(
    @CurrentUser() user: Principal,
    @Body({ schema: batchBody }) { orders }: z.output<typeof batchBody>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.orders.placeBatch(user, orders, request);
  }

  /** The caller's own orders, newest first. */
  @Get('orders')
  list(@CurrentUser() user: Principal, @Query({ schema: ordersQuery }) query: z.output<typeof ordersQuery>) {
    return this.past.list(user.userId, query);
  }

  @Get('orders/:id')
  one(@CurrentUser() user: Principal, @Param({ schema: orderById }) { id }: z.output<typeof orderById>) {
    return this.past.one(user, id);
  }

  /** Cancels an order that waits, also on a halted market; what was reserved for its rest is released. */
  @Delete('orders/:id')
  @Participants()
  cancel(@CurrentUser() user: Principal, @Param({ schema: orderById }) { id }: z.output<typeof orderById>) {
    return this.endings.cancel(user, id);
  }

  /** The caller's own trades, on one market or on all, newest first. */
  @Get('history')
  history(
    @CurrentUser() user: Principal,
    @Query({ schema: historyQuery }) query: z.output<typeof historyQuery>,
  ) {
    return this.past.trades(user.userId, query);
  }
}
