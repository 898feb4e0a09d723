import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Principal, Role } from './principal';

export const PUBLIC_ROUTE = 'auth:public';
export const ALLOWED_ROLES = 'auth:roles';
export const RESERVED_ROUTE = 'auth:reserved';

/** The route answers anybody. Every other route wants a good access token. */
export const Public = () => SetMetadata(PUBLIC_ROUTE, true);

/** The route is for these roles only; others get 403. */
export const Roles = (...roles: Role[]) => SetMetadata(ALLOWED_ROLES, roles);

/**
 * The route has to answer while requests use up the connections to the database: the sessions of those who ask it are
 * looked up on reserved ones. Only for the few routes by which a jam is seen and mended.
 */
export const Reserved = () => SetMetadata(RESERVED_ROUTE, true);

/** Who asks. On a public route it is undefined for whoever has no token. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext): Principal | undefined => {
    return context.switchToHttp().getRequest<FastifyRequest & { principal?: Principal }>().principal;
  },
);

/** For everybody who may act in the market: all but auditors, who read everything and change nothing. */
export const Participants = () => Roles('admin', 'operator', 'prosumer', 'consumer', 'corporate');
