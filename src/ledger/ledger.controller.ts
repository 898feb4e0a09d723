import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CurrentUser, Participants, Roles } from '../auth/decorators';
import { seesEverything, type Principal } from '../auth/principal';
import { NotFound } from '../common/domain-error';
import { amount, booleanQuery, pageQuery, reference, uuid } from '../common/request-schemas';
import { Idempotency, type IdempotentRequest } from '../http/idempotency-key';
import { LedgerBooksService } from './ledger-books.service';
import { WithdrawalsService } from './withdrawals.service';

const whose = { userId: uuid().optional() };
const balancesQuery = z.strictObject(whose);
const entriesQuery = z.strictObject({ ...pageQuery, ...whose });
const depositBody = z.strictObject({ userId: uuid(), amount: amount(), reference: reference() });
const withdrawalBody = z.strictObject({ amount: amount(), reference: reference() });
const withdrawalsQuery = z.strictObject({ ...pageQuery, pending: booleanQuery().optional() });
const byId = z.strictObject({ id: uuid() });

@ApiTags('ledger')
@Controller('api/ledger')
export class LedgerController {
  constructor(
    private readonly books: LedgerBooksService,
    private readonly withdrawals: WithdrawalsService,
  ) {}

  /** What the caller has of each asset; admins, operators and auditors may name another user. */
  @Get('balances')
  balances(
    @CurrentUser() user: Principal,
    @Query({ schema: balancesQuery }) query: z.output<typeof balancesQuery>,
  ) {
    return this.books.balances(ownerOf(user, query.userId));
  }

  @Get('entries')
  entries(
    @CurrentUser() user: Principal,
    @Query({ schema: entriesQuery }) query: z.output<typeof entriesQuery>,
  ) {
    return this.books.entries(ownerOf(user, query.userId), query);
  }

  @Post('deposits')
  @Roles('admin')
  deposit(
    @CurrentUser() admin: Principal,
    @Body({ schema: depositBody }) body: z.output<typeof depositBody>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.books.deposit(admin, body, request);
  }

  /** Asks for money to be paid out; it is reserved until an admin confirms or refuses it. */
  @Post('withdrawals')
  @Participants()
  withdraw(
    @CurrentUser() user: Principal,
    @Body({ schema: withdrawalBody }) body: z.output<typeof withdrawalBody>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.withdrawals.request(user, body, request);
  }

  @Get('withdrawals')
  listWithdrawals(
    @CurrentUser() user: Principal,
    @Query({ schema: withdrawalsQuery }) query: z.output<typeof withdrawalsQuery>,
  ) {
    return this.withdrawals.list(user, query);
  }

  @Post('withdrawals/:id/confirm')
  @Roles('admin')
  @HttpCode(200)
  confirm(
    @CurrentUser() admin: Principal,
    @Param({ schema: byId }) { id }: z.output<typeof byId>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.withdrawals.decide(admin, id, 'confirmed', request);
  }

  @Post('withdrawals/:id/refuse')
  @Roles('admin')
  @HttpCode(200)
  refuse(
    @CurrentUser() admin: Principal,
    @Param({ schema: byId }) { id }: z.output<typeof byId>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.withdrawals.decide(admin, id, 'refused', request);
  }
}

function ownerOf(user: Principal, asked: string | undefined): string {
  if (asked === undefined || asked === user.userId) return user.userId;
  if (!seesEverything(user)) throw new NotFound('user');
  return asked;
}
