import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { Reserved, Roles } from '../../auth/decorators';
import { queryId, spanQuery } from './report-query';
import { ReportsService } from './reports.service';

@ApiTags('admin')
@Controller('api/admin/db/queries')
@Reserved()
@Roles('admin', 'operator', 'auditor')
export class QueriesController {
  constructor(private readonly reports: ReportsService) {}

  /** One form of statement: its text without values, what it cost, its history (the last day by default) and its plan. */
  @Get(':id')
  read(
    @Param('id', { schema: queryId }) id: z.output<typeof queryId>,
    @Query({ schema: spanQuery }) query: z.output<typeof spanQuery>,
  ) {
    return this.reports.query(id, query);
  }
}
