import type { FastifyReply } from 'fastify';
import type { ProblemAnswer } from './problem';

/** Answers with problem details, and with the headers that belong to them. */
export function sendProblem(
  reply: FastifyReply,
  { problem, retryAfterSeconds }: Pick<ProblemAnswer, 'problem' | 'retryAfterSeconds'>,
): void {
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds));
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
  void reply
    .status(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(JSON.stringify({ ...problem, requestId: reply.request.id }));
}
