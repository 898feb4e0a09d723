import { Inject, Injectable, RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { PUBLIC_ROUTE } from '../auth/decorators';
import { CONFIG, type Config } from '../config/config';
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

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly reflector: Reflector,
    private readonly scanner: MetadataScanner,
    discovery: DiscoveryService,
  ) {
    this.settings = rateLimitSettings(config);
    this.unknown = this.limited('any route that does not exist', true);
    for (const { metatype } of discovery.getControllers())
      if (metatype !== null) this.addRoutesOf(metatype as Type);
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

  private addRoutesOf(controller: Type): void {
    const prototype = controller.prototype as Record<string, () => unknown>;
    for (const name of this.scanner.getAllMethodNames(prototype)) {
      const handler = prototype[name] as () => unknown;
      const method = this.reflector.get<RequestMethod | undefined>(METHOD_METADATA, handler);
      if (method === undefined) continue;
      const isPublic =
        this.reflector.getAllAndOverride<boolean>(PUBLIC_ROUTE, [handler, controller]) ?? false;
      for (const path of joined(this.pathsOf(controller), this.pathsOf(handler))) {
        const endpoint = `${RequestMethod[method]} ${path}`;
        this.routes.set(endpoint, this.limited(endpoint, isPublic));
      }
    }
  }

  private pathsOf(target: Type | (() => unknown)): string[] {
    return [this.reflector.get<string | string[] | undefined>(PATH_METADATA, target) ?? ''].flat();
  }

  private limited(endpoint: string, isPublic: boolean): LimitedRoute | undefined {
    const name = limitClassOf(endpoint, isPublic);
    const { limits, windowMs } = this.settings;
    return name && { endpoint, class: name, isPublic, limit: limits[name], windowMs };
  }
}

/** As Nest puts them together: one slash between, none at the end. */
const joined = (befores: readonly string[], afters: readonly string[]): string[] =>
  befores.flatMap((before) =>
    afters.map((after) => `/${before}/${after}`.replace(/\/+/g, '/').replace(/(?!^)\/$/, '')),
  );
