import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser, Roles } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import type { PageRequest } from '../common/cursor';
import { newOrganization, organizationQuery, type NewOrganization } from './dto/users.schemas';
import { OrganizationsService } from './organizations.service';

@ApiTags('users')
@Controller('api/organizations')
@Roles('admin')
export class OrganizationsController {
  constructor(private readonly organizations: OrganizationsService) {}

  /** Adds an organisation that users can be put into. */
  @Post()
  create(@CurrentUser() admin: Principal, @Body({ schema: newOrganization }) { name }: NewOrganization) {
    return this.organizations.create(admin, name);
  }

  /** All organisations, newest first. */
  @Get()
  list(@Query({ schema: organizationQuery }) query: PageRequest) {
    return this.organizations.list(query);
  }
}
