import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Roles } from '../auth/decorators';
import { pageQuery, uuid } from '../common/request-schemas';
import { AuditService } from './audit.service';

const auditQuery = z.strictObject({
  ...pageQuery,
  action: z.string().max(100).optional(),
  userId: uuid().optional(),
});

@ApiTags('admin')
@Controller('api/admin/audit')
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  /** Every change that an admin, an operator or money made, newest first. */
  @Get()
  @Roles('admin', 'operator', 'auditor')
  list(@Query({ schema: auditQuery }) query: z.output<typeof auditQuery>) {
    return this.audit.list(query);
  }
}
