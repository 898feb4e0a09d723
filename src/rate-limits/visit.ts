import type { FastifyRequest } from 'fastify';
import type { LimitedRoute } from './limited-routes';

/** What becomes of one request on its way through: it is counted once. */
export interface Visit {
  readonly route: LimitedRoute;
  /** By address, as it is counted where nobody is logged in. */
  readonly address: string;
  counted: boolean;
}

/** A request that may be limited; without a visit it is not. */
export type VisitingRequest = FastifyRequest & { rateLimitVisit?: Visit | undefined };
