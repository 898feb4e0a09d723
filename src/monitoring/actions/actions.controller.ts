import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { CurrentUser, Reserved, Roles } from '../../auth/decorators';
import type { Principal } from '../../auth/principal';
import { actionId, backendPid, explainRequest, objectName, queryId } from './action-requests';
import { ActionsService } from './actions.service';
import { BackendsService } from './backends.service';
import { ExplainService } from './explain.service';

/** What an admin may do to the database, and others see; all of it goes into the audit trail. Repeating any of it does no harm. */
@ApiTags('admin')
@Controller('api/admin/db')
@Reserved()
@Roles('admin')
export class ActionsController {
  constructor(
    private readonly backends: BackendsService,
    private readonly actions: ActionsService,
    private readonly statements: ExplainService,
  ) {}

  /** Cancels the statement that a session is at. */
  @Post('backends/:pid/cancel')
  @HttpCode(200)
  cancel(@CurrentUser() admin: Principal, @Param('pid', { schema: backendPid }) pid: number) {
    return this.backends.stop(admin, pid, 'cancel');
  }

  /** Ends a session, and with it its transaction. */
  @Post('backends/:pid/terminate')
  @HttpCode(200)
  terminate(@CurrentUser() admin: Principal, @Param('pid', { schema: backendPid }) pid: number) {
    return this.backends.stop(admin, pid, 'terminate');
  }

  /** Renews what the planner knows of a table. */
  @Post('tables/:table/analyze')
  @HttpCode(202)
  analyze(@CurrentUser() admin: Principal, @Param('table', { schema: objectName }) table: string) {
    return this.actions.request(admin, 'analyze', table);
  }

  /** Makes the room of dead rows free again, and analyses the table. */
  @Post('tables/:table/vacuum')
  @HttpCode(202)
  vacuum(@CurrentUser() admin: Principal, @Param('table', { schema: objectName }) table: string) {
    return this.actions.request(admin, 'vacuum', table);
  }

  /** Rebuilds an index while it serves; of a partitioned one all parts. */
  @Post('indexes/:index/reindex')
  @HttpCode(202)
  reindex(@CurrentUser() admin: Principal, @Param('index', { schema: objectName }) index: string) {
    return this.actions.request(admin, 'reindex', index);
  }

  /** Where an action stands that a job does. */
  @Get('actions/:id')
  @Roles('admin', 'operator', 'auditor')
  find(@Param('id', { schema: actionId }) id: string) {
    return this.actions.find(id);
  }

  /**
   * The plan of a recorded statement: for any values, for those given, or with `analyze` and all of them as a SELECT really
   * took it, within five seconds and without changing anything.
   */
  @Post('queries/:id/explain')
  @HttpCode(200)
  explain(
    @CurrentUser() admin: Principal,
    @Param('id', { schema: queryId }) id: string,
    @Body({ schema: explainRequest }) request: z.output<typeof explainRequest>,
  ) {
    return this.statements.explain(admin, id, request);
  }
}
