import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { CurrentUser, Participants, Roles } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import { Idempotency, type IdempotentRequest } from '../http/idempotency-key';
import { meterId, metersQuery, mintBody, registerMeterBody } from './dto/meter-requests';
import { MetersService } from './meters.service';
import { MintingService } from './minting.service';

@ApiTags('meters')
@Controller('api/meters')
export class MetersController {
  constructor(
    private readonly meters: MetersService,
    private readonly minting: MintingService,
  ) {}

  /** Registers a meter of one's own; operators and admins may name another owner. */
  @Post()
  @Participants()
  register(
    @CurrentUser() user: Principal,
    @Body({ schema: registerMeterBody }) body: z.output<typeof registerMeterBody>,
  ) {
    return this.meters.register(user, body);
  }

  /** One's own meters, newest first; operators, admins and auditors see all, or those of a user. */
  @Get()
  list(@CurrentUser() user: Principal, @Query({ schema: metersQuery }) query: z.output<typeof metersQuery>) {
    return this.meters.list(user, query);
  }

  /** Turns surplus of verified meters into tokens: of one meter, of all one's own, or of everybody's. */
  @Post('mint')
  @Participants()
  @HttpCode(200)
  mint(
    @CurrentUser() user: Principal,
    @Body({ schema: mintBody }) body: z.output<typeof mintBody>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.minting.mint(user, body, request);
  }

  @Get(':id')
  find(@CurrentUser() user: Principal, @Param({ schema: meterId }) { id }: z.output<typeof meterId>) {
    return this.meters.find(user, id);
  }

  @Post(':id/verify')
  @Roles('operator', 'admin')
  @HttpCode(200)
  verify(@CurrentUser() user: Principal, @Param({ schema: meterId }) { id }: z.output<typeof meterId>) {
    return this.meters.change(user, id, 'verified');
  }

  /** It takes no readings and mints nothing until it is verified again. */
  @Post(':id/suspend')
  @Roles('operator', 'admin')
  @HttpCode(200)
  suspend(@CurrentUser() user: Principal, @Param({ schema: meterId }) { id }: z.output<typeof meterId>) {
    return this.meters.change(user, id, 'suspended');
  }

  /** For good; what it measured stays. */
  @Post(':id/retire')
  @Roles('operator', 'admin')
  @HttpCode(200)
  retire(@CurrentUser() user: Principal, @Param({ schema: meterId }) { id }: z.output<typeof meterId>) {
    return this.meters.change(user, id, 'retired');
  }
}
