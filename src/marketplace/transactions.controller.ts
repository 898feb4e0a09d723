import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CurrentUser, Participants } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import { pageQuery, uuid } from '../common/request-schemas';
import { Idempotency, type IdempotentRequest } from '../http/idempotency-key';
import { TRANSACTION_STATUSES } from './life-cycle';
import { TransactionsService } from './transactions.service';

const transactionsQuery = z.strictObject({
  ...pageQuery,
  role: z.enum(['buyer', 'seller']).optional(),
  status: z.enum(TRANSACTION_STATUSES).optional(),
  userId: uuid().optional(),
});
const byId = z.strictObject({ id: uuid() });

@ApiTags('marketplace')
@Controller('api/transactions')
export class TransactionsController {
  constructor(private readonly transactions: TransactionsService) {}

  /** What the caller bought and sold, newest first; admins, operators and auditors may name another user. */
  @Get()
  list(
    @CurrentUser() user: Principal,
    @Query({ schema: transactionsQuery }) query: z.output<typeof transactionsQuery>,
  ) {
    return this.transactions.list(user, query);
  }

  @Get(':id')
  get(@CurrentUser() user: Principal, @Param({ schema: byId }) { id }: z.output<typeof byId>) {
    return this.transactions.get(user, id);
  }

  /** Calls off a transaction that still waits to be settled. */
  @Post(':id/cancel')
  @Participants()
  @HttpCode(200)
  cancel(
    @CurrentUser() user: Principal,
    @Param({ schema: byId }) { id }: z.output<typeof byId>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.transactions.cancel(user, id, request);
  }
}
