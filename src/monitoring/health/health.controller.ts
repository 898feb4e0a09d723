import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../../auth/decorators';
import { HealthService } from './health.service';

@ApiTags('health')
@Controller('health')
export class HealthController {
  constructor(private readonly health: HealthService) {}

  /** The process runs and answers. */
  @Get('live')
  @Public()
  live() {
    return { status: 'ok' };
  }

  /**
   * The process can do its work: 503 while the database is away, a migration is missing or the process ends; Redis away is
   * only `degraded`.
   */
  @Get(['', 'ready'])
  @Public()
  @ApiOkResponse({ description: 'It can' })
  @ApiServiceUnavailableResponse({ description: 'It cannot', content: { 'application/json': {} } })
  async ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const readiness = await this.health.readiness();
    if (readiness.status !== 'ok') void reply.status(503);
    // A prober that keeps its connection would keep us from ending.
    if (readiness.status === 'shutting_down') void reply.header('connection', 'close');
    return readiness;
  }
}
