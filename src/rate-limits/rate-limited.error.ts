import type { Taken } from '../cache/quota';
import { DomainError } from '../common/domain-error';
import type { LimitedRoute } from './limited-routes';

/** Somebody has used up what one route answers in a window of time. */
export class RateLimited extends DomainError {
  readonly code = 'RATE_LIMITED';
  readonly kind = 'too-many';
  override readonly retryAfterSeconds: number;

  constructor({ endpoint, limit, windowMs }: LimitedRoute, { resetMs }: Pick<Taken, 'resetMs'>) {
    const seconds = secondsOf(resetMs);
    super(
      `Too many requests: ${endpoint} takes ${limit} in ${windowMs / 1000} seconds; ` +
        `try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`,
    );
    this.retryAfterSeconds = seconds;
  }
}

/** Rounded up, and never now: whoever comes back then finds the window begun anew. */
export const secondsOf = (milliseconds: number): number => Math.max(1, Math.ceil(milliseconds / 1000));
