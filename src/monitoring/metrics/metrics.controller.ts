import { timingSafeEqual } from 'node:crypto';
import { Controller, Get, Inject, NotFoundException, Res } from '@nestjs/common';
import { ApiNotFoundResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { PrometheusController } from '@willsoto/nestjs-prometheus';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Unauthenticated } from '../../auth/auth.errors';
import { Public } from '../../auth/decorators';
import { CONFIG, type Config } from '../../config/config';

const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

/** Prometheus text: open to this machine, to others with METRICS_TOKEN as bearer token. */
@ApiTags('monitoring')
@Controller('metrics')
export class MetricsController extends PrometheusController {
  constructor(@Inject(CONFIG) private readonly config: Config) {
    super();
  }

  @Get()
  @Public()
  @ApiOkResponse({ description: 'All figures, in the text format of Prometheus' })
  @ApiNotFoundResponse({ description: 'Nothing is counted here: METRICS_ENABLED is false' })
  override index(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    if (!this.config.environment.METRICS_ENABLED) throw new NotFoundException();
    if (!this.mayScrape(reply.request)) throw new Unauthenticated();
    return super.index(reply);
  }

  private mayScrape(request: FastifyRequest): boolean {
    const token = this.config.environment.METRICS_TOKEN;
    const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token !== undefined && given !== undefined && sameText(given, token)) return true;
    // By the socket, not by a header that a client can write; behind a proxy everybody comes from loopback.
    const direct =
      this.config.environment.TRUST_PROXY === undefined && request.headers['x-forwarded-for'] === undefined;
    return direct && LOOPBACK.has(request.socket.remoteAddress ?? '');
  }
}

function sameText(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
