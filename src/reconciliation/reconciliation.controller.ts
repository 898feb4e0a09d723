import { Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CurrentUser, Roles } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import { pageQuery, uuid } from '../common/request-schemas';
import { EnergyReconciliationService } from './energy-reconciliation.service';
import { RECONCILIATION_STATUSES } from './reconciliation.entity';
import { ReconciliationService } from './reconciliation.service';

const byId = z.strictObject({ id: uuid() });
const runsQuery = z.strictObject({ ...pageQuery, status: z.enum(RECONCILIATION_STATUSES).optional() });
const breaksQuery = z.strictObject({
  ...pageQuery,
  type: z
    .string()
    .regex(/^[A-Z_]{1,100}$/, 'must be the code of a type, such as MINT_NOT_BOOKED')
    .optional(),
});

@ApiTags('reconciliation')
@Controller('api/reconciliations')
@Roles('auditor', 'operator', 'admin')
export class ReconciliationController {
  constructor(
    private readonly energy: EnergyReconciliationService,
    private readonly reconciliations: ReconciliationService,
  ) {}

  /** Compares readings, mints, ledger supply and certificates, and answers when it is done. */
  @Post('energy/run')
  runEnergy(@CurrentUser() user: Principal) {
    return this.energy.run(user);
  }

  /** All runs, newest first. */
  @Get()
  list(@Query({ schema: runsQuery }) query: z.output<typeof runsQuery>) {
    return this.reconciliations.list(query);
  }

  @Get(':id')
  find(@Param({ schema: byId }) { id }: z.output<typeof byId>) {
    return this.reconciliations.find(id);
  }

  /** What did not agree, all or of one type, in the order it was found. */
  @Get(':id/breaks')
  breaks(
    @Param({ schema: byId }) { id }: z.output<typeof byId>,
    @Query({ schema: breaksQuery }) query: z.output<typeof breaksQuery>,
  ) {
    return this.reconciliations.breaks(id, query);
  }
}
