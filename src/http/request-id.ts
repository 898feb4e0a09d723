import { newId } from '../common/id';

const ACCEPTABLE = /^[A-Za-z0-9._-]{1,100}$/;

/** The caller's `x-request-id` when it is fit to be logged, else a new one. */
export function requestId(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && ACCEPTABLE.test(given) ? given : newId();
}
