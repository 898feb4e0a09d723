import type { FastifyReply } from 'fastify';
import type { Problem, ProblemAnswer } from './problem';

export const PROBLEM_HEADERS = {
  'content-type': 'application/problem+json; charset=utf-8',
  'cache-control': 'no-store',
};
/** For answers to what never becomes a request with all the headers of one. */
export const BARE_HEADERS = { 'x-content-type-options': 'nosniff' };

/** The body of an error. */
export function problemText(problem: ProblemAnswer['problem'], requestId: string): string {
  return JSON.stringify({ ...problem, requestId } satisfies Problem);
}

/** Answers with problem details, and with the headers that belong to them. */
export function sendProblem(
  reply: FastifyReply,
  { problem, retryAfterSeconds }: Pick<ProblemAnswer, 'problem' | 'retryAfterSeconds'>,
): void {
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds));
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
  void reply.status(problem.status).headers(PROBLEM_HEADERS).send(problemText(problem, reply.request.id));
}
