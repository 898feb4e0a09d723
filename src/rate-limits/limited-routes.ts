import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { PUBLIC_ROUTE } from '../auth/decorators';
import { CONFIG, type Config } from '../config/config';
import { controllerRoutes } from '../http/controller-routes';
import { fits, limitClassOf, LINES, type LimitClass } from './limit-classes';
import { rateLimitSettings, type RateLimitSettings } from './rate-limit-settings';

/** What is limited, and how. */
export interface LimitedRoute {
  /** Method and template: all that share it share a limit. */
  readonly endpoint: string;
  readonly class: LimitClass;
  /** Answers who is not logged in. */
  readonly isPublic: boolean;
  /** Requests in a window. */
  readonly limit: number;
  readonly windowMs: number;
}

/** Knows of every route whether it needs a log-in, and its limit. */
@Injectable()
export class LimitedRoutes {
  private readonly settings: RateLimitSettings;
  private readonly routes = new Map<string, LimitedRoute | undefined>();
  private readonly unknown: LimitedRoute | undefined;

  constructor(@Inject(CONFIG) config: Config, discovery: DiscoveryService) {
    this.settings = rateLimitSettings(config);
    this.unknown = this.limited('any route that does not exist', true);
    for (const route of controllerRoutes(discovery))
      for (const endpoint of route.endpoints)
        this.routes.set(endpoint, this.limited(endpoint, route.says(PUBLIC_ROUTE) === true));
    const idle = LINES.filter((line) => ![...this.routes.keys()].some((endpoint) => fits(line, endpoint)));
    if (idle.length > 0)
      throw new Error(`Rate limits are declared for routes that do not exist: ${idle.join(', ')}`);
  }

  /** @returns undefined where nothing is limited */
  of(request: FastifyRequest): LimitedRoute | undefined {
    if (request.method === 'OPTIONS') return undefined; // a browser's question whether it may ask
    if (request.is404) return this.unknown;
    const endpoint = `${request.method === 'HEAD' ? 'GET' : request.method} ${request.routeOptions.url ?? ''}`;
    // What no controller answers, such as the API's documentation, needs no log-in.
    if (!this.routes.has(endpoint)) this.routes.set(endpoint, this.limited(endpoint, true));
    return this.routes.get(endpoint);
  }

  private limited(endpoint: string, isPublic: boolean): LimitedRoute | undefined {
    const name = limitClassOf(endpoint, isPublic);
    const { limits, windowMs } = this.settings;
    return name && { endpoint, class: name, isPublic, limit: limits[name], windowMs };
  }
}
