import { Injectable, RequestMethod, type OnModuleInit, type Type } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import {
  HEADERS_METADATA,
  HTTP_CODE_METADATA,
  METHOD_METADATA,
  PATH_METADATA,
  REDIRECT_METADATA,
  SSE_METADATA,
} from '@nestjs/common/constants.js';
import { PUBLIC_ROUTE } from '../../auth/decorators';
import { ExplainedError } from '../../database/explained-error';
import { HTTP_CACHE, type HttpCachePolicy } from './http-cache-policy';

/** A route is cached in a way that would give somebody what is not theirs, or not what the route answers. */
class HttpCacheMisused extends ExplainedError {}

type Handler = (...args: unknown[]) => unknown;

/** A route with a policy. */
interface CachedRoute {
  readonly name: string;
  readonly controller: Type;
  readonly handler: Handler;
  readonly policy: HttpCachePolicy;
}

/** Looks at all routes with @HttpCache while the application starts, and stops it at what cannot be right. */
@Injectable()
export class HttpCacheCheck implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  /** @throws HttpCacheMisused with a sentence for each route that has to be mended */
  onModuleInit(): void {
    const routes = [...this.routes()];
    const wrong = [...routes.flatMap((route) => this.faultsOf(route)), ...sharedPrefixes(routes)];
    if (wrong.length > 0) throw new HttpCacheMisused(wrong.join('\n'));
  }

  private *routes(): Generator<CachedRoute> {
    for (const { metatype } of this.discovery.getControllers()) {
      const controller = metatype as Type;
      const prototype = controller.prototype as Record<string, Handler>;
      for (const method of this.scanner.getAllMethodNames(prototype)) {
        const handler = prototype[method] as Handler;
        const policy = this.reflector.get<HttpCachePolicy | undefined>(HTTP_CACHE, handler);
        if (policy === undefined) continue;
        const name = `${this.routeOf(controller, handler)} (${controller.name}.${method})`;
        yield { name, controller, handler, policy };
      }
    }
  }

  private faultsOf({ name, controller, handler, policy }: CachedRoute): string[] {
    const faults: string[] = [];
    const isPublic = this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC_ROUTE, [
      handler,
      controller,
    ]);
    if (isPublic !== true && policy.scope !== 'user')
      faults.push(
        `${name} wants a log-in, and @HttpCache would give its answers to everybody: say scope: 'user', or @Public() if they are for everybody`,
      );
    if (this.reflector.get<RequestMethod | undefined>(METHOD_METADATA, handler) !== RequestMethod.GET)
      faults.push(`${name} is no GET, and only those are cached: take @HttpCache off it`);
    if (this.saysMore(handler))
      faults.push(
        `${name} has a status, headers or a stream of its own, which are not kept: take @HttpCache off it, or @HttpCode, @Header, @Redirect and @Sse`,
      );
    return faults;
  }

  private saysMore(handler: Handler): boolean {
    const status = this.reflector.get<number | undefined>(HTTP_CODE_METADATA, handler) ?? 200;
    return (
      status !== 200 ||
      [HEADERS_METADATA, REDIRECT_METADATA, SSE_METADATA].some(
        (metadata) => this.reflector.get<unknown>(metadata, handler) !== undefined,
      )
    );
  }

  private routeOf(controller: Type, handler: Handler): string {
    const method = this.reflector.get<RequestMethod | undefined>(METHOD_METADATA, handler);
    const paths = [controller, handler].map((target) =>
      this.reflector.get<string | undefined>(PATH_METADATA, target),
    );
    const path = paths.map((part) => (part ?? '').replace(/^\/+|\/+$/g, '')).filter((part) => part !== '');
    return `${method === undefined ? '' : `${RequestMethod[method]} `}/${path.join('/')}`;
  }
}

/** Two routes under one prefix would give out each other's answers. */
function* sharedPrefixes(routes: readonly CachedRoute[]): Generator<string> {
  const known = new Map<string, string>();
  for (const { name, policy } of routes) {
    const other = known.get(policy.prefix);
    if (other !== undefined)
      yield `${name} and ${other} keep answers under the same prefix ${policy.prefix}: give each its own`;
    known.set(policy.prefix, name);
  }
}
