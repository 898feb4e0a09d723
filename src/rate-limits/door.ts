import { Inject, Injectable, Logger } from '@nestjs/common';
import type { FastifyReply, HookHandlerDoneFunction } from 'fastify';
import { AccessTokens } from '../auth/access-tokens';
import { bearerToken } from '../auth/bearer-token';
import type { Taken } from '../cache/quota';
import { CONFIG, type Config } from '../config/config';
import { problemOf } from '../http/problem';
import { sendProblem } from '../http/send-problem';
import { clientAddress } from './client-address';
import { LimitedRoutes } from './limited-routes';
import { RateLimited } from './rate-limited.error';
import { addressKey, RateLimiter, setLimitHeaders, userKey } from './rate-limiter';
import type { Visit, VisitingRequest } from './visit';

/**
 * Stands before everything else. Who is not logged in is counted here, by address, and refused before anything is done
 * for them; who sends a token goes on to the guard, which knows the user.
 */
@Injectable()
export class Door {
  private readonly logger = new Logger('RateLimits');
  private readonly trustsProxy: boolean;
  private hasWarned = false;

  constructor(
    private readonly routes: LimitedRoutes,
    private readonly limiter: RateLimiter,
    private readonly tokens: AccessTokens,
    @Inject(CONFIG) { environment }: Config,
  ) {
    this.trustsProxy = environment.TRUST_PROXY !== undefined;
  }

  /** Calls `done` for whoever may come in, at once where no round trip is needed; answers the others. */
  enter(request: VisitingRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    const route = this.routes.of(request);
    if (route === undefined) return done();
    const address = addressKey(this.addressOf(request));
    const visit: Visit = { route, address, counted: false };
    request.rateLimitVisit = visit;
    const token = route.isPublic ? undefined : bearerToken(request.headers.authorization);
    if (token === undefined) return this.count(address, visit, reply, done);
    const spent = this.limiter.spent(address, route);
    if (spent === undefined) return done();
    void this.tellApart(token, spent, visit, reply, done);
  }

  /**
   * What was answered and nobody counted had a token that was not good, or asked for what is not theirs: that counts
   * by address.
   */
  leave({ rateLimitVisit: visit }: VisitingRequest): void {
    if (visit === undefined || visit.counted) return;
    visit.counted = true;
    void this.limiter.take(visit.address, visit.route);
  }

  private addressOf({ ip, headers }: VisitingRequest): string {
    const address = clientAddress(ip);
    if (!this.trustsProxy && headers['x-forwarded-for'] !== undefined && !this.hasWarned) {
      this.hasWarned = true;
      this.logger.warn(
        `Requests from ${address} carry X-Forwarded-For, which is not believed: where that is your proxy, set ` +
          'TRUST_PROXY, or all clients behind it share the limits of one',
      );
    }
    return address;
  }

  /** Where an address sends too many bad tokens, its users with good ones are still told from it. */
  private async tellApart(
    token: string,
    spent: Taken,
    visit: Visit,
    reply: FastifyReply,
    done: HookHandlerDoneFunction,
  ): Promise<void> {
    const claims = await this.tokens.read(token);
    if (claims !== undefined) return this.count(userKey(claims.userId), visit, reply, done);
    visit.counted = true;
    this.decide(spent, visit, reply, done);
  }

  private count(who: string, visit: Visit, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    visit.counted = true;
    const taken = this.limiter.take(who, visit.route);
    if (taken instanceof Promise) void taken.then((later) => this.decide(later, visit, reply, done));
    else this.decide(taken, visit, reply, done);
  }

  private decide(taken: Taken, { route }: Visit, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    setLimitHeaders(reply, route, taken);
    if (taken.allowed) return done();
    this.limiter.countRefusal(route);
    sendProblem(reply, problemOf(new RateLimited(route, taken)));
  }
}
