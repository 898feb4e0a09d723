import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { instant } from '../../common/request-schemas';
import { Roles } from '../../auth/decorators';
import { ReportsService } from './reports.service';

const DECIMAL = /^-?\d{1,19}$/;

/** pg_stat_statements' identifier: 64 bits with a sign, as a decimal text. */
const queryId = z
  .string()
  .max(20)
  .refine(
    (text) => DECIMAL.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text),
    'must be a query id as slow-queries shows it: a whole number of 64 bits',
  );

const span = z
  .strictObject({ from: instant().optional(), to: instant().optional() })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, {
    path: ['from'],
    message: 'must be before to',
  });

@ApiTags('admin')
@Controller('api/admin/db/queries')
@Roles('admin', 'operator', 'auditor')
export class QueriesController {
  constructor(private readonly reports: ReportsService) {}

  /** One form of statement: its text without values, what it cost, its history (the last day by default) and its plan. */
  @Get(':id')
  read(
    @Param('id', { schema: queryId }) id: z.output<typeof queryId>,
    @Query({ schema: span }) query: z.output<typeof span>,
  ) {
    return this.reports.query(id, query);
  }
}
