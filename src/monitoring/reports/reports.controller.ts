import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Reserved, Roles } from '../../auth/decorators';
import { reportQuery } from './report-query';
import { reportList } from './reports';
import { ReportsService } from './reports.service';

/** A name is looked up in a list; nothing of it reaches PostgreSQL. */
const name = z.string().max(64);

@ApiTags('admin')
@Controller('api/admin/db')
@Reserved()
@Roles('admin', 'operator', 'auditor')
export class ReportsController {
  constructor(private readonly reports: ReportsService) {}

  /** The reports there are, with what each of them means: all of them at once. */
  @Get()
  list() {
    return reportList();
  }

  /** One report: rows, what to look at (`findings`) and how to mend it. */
  @Get(':report')
  read(
    @Param('report', { schema: name }) report: string,
    @Query({ schema: reportQuery }) query: z.output<typeof reportQuery>,
  ) {
    return this.reports.read(report, query);
  }

  /** The same for `indexes/unused`, `indexes/duplicate` and their like. */
  @Get(':group/:report')
  readOfGroup(
    @Param('group', { schema: name }) group: string,
    @Param('report', { schema: name }) report: string,
    @Query({ schema: reportQuery }) query: z.output<typeof reportQuery>,
  ) {
    return this.reports.read(`${group}/${report}`, query);
  }
}
