import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { problemOf } from './problem';

/** How long after one complaint about the database the next ones are only counted. */
const QUIET_MS = 10_000;

/** The one place where errors become HTTP: `application/problem+json`, and nothing internal in it. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Request');
  private complainedAt = -Infinity;
  private failed = 0;

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const { problem, retryAfterSeconds, unexpected } = problemOf(error);
    if (problem.status === 503 && unexpected) this.complain(error);
    else if (unexpected)
      this.logger.error(
        `${request.id} ${request.method} ${request.routeOptions.url ?? '-'}: ${describe(error)}`,
      );
    if (reply.sent) return;
    if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds));
    if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
    void reply
      .status(problem.status)
      .header('content-type', 'application/problem+json; charset=utf-8')
      .send(JSON.stringify({ ...problem, requestId: request.id }));
  }

  /** An outage of the database fails every request: it is told once in a while, with how many it has failed. */
  private complain(error: unknown): void {
    this.failed += 1;
    const now = performance.now();
    if (now - this.complainedAt < QUIET_MS) return;
    this.logger.warn(
      `The database does not answer, ${this.failed} requests were told to come back: ${String(error)}`,
    );
    this.complainedAt = now;
    this.failed = 0;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
