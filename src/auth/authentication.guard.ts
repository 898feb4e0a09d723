import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { AccessTokens } from './access-tokens';
import { Unauthenticated, WrongRole } from './auth.errors';
import { bearerToken } from './bearer-token';
import { ALLOWED_ROLES, PUBLIC_ROUTE, RESERVED_ROUTE } from './decorators';
import type { Principal, Role } from './principal';
import { SessionVerifier } from './session-verifier';

/**
 * Stands before every route. Denies by default: a route is open only when it says @Public, and for
 * everybody who is logged in only when it names no roles.
 */
@Injectable()
export class AuthenticationGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: AccessTokens,
    private readonly sessions: SessionVerifier,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest & { principal?: Principal }>();
    const targets = [context.getHandler(), context.getClass()];
    const says = (what: string): boolean =>
      this.reflector.getAllAndOverride<boolean | undefined>(what, targets) ?? false;
    const principal = await this.principalOf(request, says(RESERVED_ROUTE));
    if (principal !== undefined) request.principal = principal;
    if (says(PUBLIC_ROUTE)) return true;
    if (principal === undefined) throw new Unauthenticated();
    const roles = this.reflector.getAllAndOverride<readonly Role[] | undefined>(ALLOWED_ROLES, targets);
    if (roles !== undefined && !roles.includes(principal.role)) throw new WrongRole();
    return true;
  }

  private async principalOf(request: FastifyRequest, isReserved: boolean): Promise<Principal | undefined> {
    const token = bearerToken(request.headers.authorization);
    if (token === undefined) return undefined;
    const claims = await this.tokens.read(token);
    if (claims === undefined) return undefined;
    const session = await this.sessions.verify(claims, isReserved);
    return session && { ...session, requestId: request.id };
  }
}
