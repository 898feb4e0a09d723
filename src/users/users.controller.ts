import { Body, Controller, Get, Param, Patch, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser, Roles } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import {
  membership,
  userChange,
  userParam,
  userQuery,
  type Membership,
  type UserChange,
  type UserQuery,
} from './dto/users.schemas';
import { UserAdministrationService } from './user-administration.service';
import { UserDirectoryService } from './user-directory.service';
import { UsersService } from './users.service';

@ApiTags('users')
@Controller('api/users')
@Roles('admin')
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly directory: UserDirectoryService,
    private readonly administration: UserAdministrationService,
  ) {}

  /** All users, newest first, by role, by verification, or by a part of e-mail address, username or name. */
  @Get()
  list(@Query({ schema: userQuery }) query: UserQuery) {
    return this.directory.list(query);
  }

  /** One user. */
  @Get(':id')
  find(@Param({ schema: userParam }) { id }: { id: string }) {
    return this.users.findById(id);
  }

  /** Changes role, activity, verification or name of a user; it counts at once. */
  @Patch(':id')
  change(
    @CurrentUser() admin: Principal,
    @Param({ schema: userParam }) { id }: { id: string },
    @Body({ schema: userChange }) change: UserChange,
  ) {
    return this.administration.change(admin, id, change);
  }

  /** Puts a user into an organisation; null takes the user out of it. */
  @Put(':id/organization')
  assign(
    @CurrentUser() admin: Principal,
    @Param({ schema: userParam }) { id }: { id: string },
    @Body({ schema: membership }) { organizationId }: Membership,
  ) {
    return this.administration.assign(admin, id, organizationId);
  }
}
