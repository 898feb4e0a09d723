import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import type { PageRequest } from '../common/cursor';
import { sessionParam, sessionQuery } from './dto/auth.schemas';
import { SessionsService } from './sessions.service';

@ApiTags('auth')
@Controller('api/auth/sessions')
export class SessionsController {
  constructor(private readonly sessions: SessionsService) {}

  /** Where the user is logged in, newest first. */
  @Get()
  list(@CurrentUser() principal: Principal, @Query({ schema: sessionQuery }) query: PageRequest) {
    return this.sessions.list(principal, query);
  }

  /** Logs the user out everywhere, here included. */
  @Delete()
  @HttpCode(204)
  closeAll(@CurrentUser() principal: Principal) {
    return this.sessions.closeAll(principal);
  }

  /** Logs the user out of one session. */
  @Delete(':id')
  @HttpCode(204)
  close(@CurrentUser() principal: Principal, @Param({ schema: sessionParam }) { id }: { id: string }) {
    return this.sessions.close(principal, id);
  }
}
