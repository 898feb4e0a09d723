import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { QuietPeriod } from '../common/quiet-period';
import { reasonOf, type DatabaseFailure } from '../database/failures';
import { workFields } from './log-fields';
import { problemOf } from './problem';
import { workOf } from './request-work';
import { sendProblem } from './send-problem';

/** How long after one complaint about the database the next ones of its kind are only counted. */
const QUIET_MS = 10_000;

const COMPLAINT: Record<DatabaseFailure, string> = {
  away: 'The database does not answer',
  busy: 'The database, or our connections to it, cannot serve all that is asked',
  slow: 'The database took too long and was stopped',
};

/** The one place where errors become HTTP: `application/problem+json`, and nothing internal in it. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Request');
  private readonly quiet: Record<DatabaseFailure, QuietPeriod> = {
    away: new QuietPeriod(QUIET_MS),
    busy: new QuietPeriod(QUIET_MS),
    slow: new QuietPeriod(QUIET_MS),
  };

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const answer = problemOf(error);
    const { unexpected, database } = answer;
    if (database !== undefined) this.complain(database, error);
    else if (unexpected) this.report(request, error);
    if (!reply.sent) sendProblem(reply, answer);
  }

  /** With the request's own fields: contexts are not kept in every process. */
  private report(request: FastifyRequest, error: unknown): void {
    const fields = workFields(workOf(request));
    const err = error instanceof Error ? error : new Error(String(error));
    this.logger.error({ ...fields, message: `${fields.work} failed: ${err.message}`, err });
  }

  /** Trouble of the database fails many requests: it is told once in a while, with how many it has failed. */
  private complain(failure: DatabaseFailure, error: unknown): void {
    const untold = this.quiet[failure].pass();
    if (untold === undefined) return;
    this.logger.warn(
      `${COMPLAINT[failure]}, ${untold + 1} requests were told to come back: ${reasonOf(error)}`,
    );
  }
}
