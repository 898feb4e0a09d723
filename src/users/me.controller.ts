import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import { UsersService } from './users.service';

@ApiTags('users')
@Controller('api/users/me')
export class MeController {
  constructor(private readonly users: UsersService) {}

  /** The own account. */
  @Get()
  show(@CurrentUser() { userId }: Principal) {
    return this.users.profileOf(userId);
  }
}
