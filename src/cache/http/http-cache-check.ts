import { Injectable, RequestMethod, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import {
  HEADERS_METADATA,
  HTTP_CODE_METADATA,
  REDIRECT_METADATA,
  SSE_METADATA,
} from '@nestjs/common/constants.js';
import { PUBLIC_ROUTE } from '../../auth/decorators';
import { ExplainedError } from '../../database/explained-error';
import { controllerRoutes, type ControllerRoute } from '../../http/controller-routes';
import { HTTP_CACHE, type HttpCachePolicy } from './http-cache-policy';

/** A route is cached in a way that would give somebody what is not theirs, or not what the route answers. */
class HttpCacheMisused extends ExplainedError {}

/** A route with a policy. */
interface CachedRoute {
  /** For people. */
  readonly name: string;
  readonly route: ControllerRoute;
  readonly policy: HttpCachePolicy;
}

/** Looks at all routes with @HttpCache while the application starts, and stops it at what cannot be right. */
@Injectable()
export class HttpCacheCheck implements OnModuleInit {
  constructor(private readonly discovery: DiscoveryService) {}

  /** @throws HttpCacheMisused with a sentence for each route that has to be mended */
  onModuleInit(): void {
    const routes = [...this.routes()];
    const wrong = [...routes.flatMap(faultsOf), ...sharedPrefixes(routes)];
    if (wrong.length > 0) throw new HttpCacheMisused(wrong.join('\n'));
  }

  private *routes(): Generator<CachedRoute> {
    for (const route of controllerRoutes(this.discovery)) {
      const policy = route.says<HttpCachePolicy>(HTTP_CACHE);
      if (policy !== undefined) yield { name: `${route.endpoints[0]} (${route.name})`, route, policy };
    }
  }
}

function faultsOf({ name, route, policy }: CachedRoute): string[] {
  const faults: string[] = [];
  if (route.says(PUBLIC_ROUTE) !== true && policy.scope !== 'user')
    faults.push(
      `${name} wants a log-in, and @HttpCache would give its answers to everybody: say scope: 'user', or @Public() if they are for everybody`,
    );
  if (route.method !== RequestMethod.GET)
    faults.push(`${name} is no GET, and only those are cached: take @HttpCache off it`);
  if (saysMore(route))
    faults.push(
      `${name} has a status, headers or a stream of its own, which are not kept: take @HttpCache off it, or @HttpCode, @Header, @Redirect and @Sse`,
    );
  return faults;
}

const saysMore = (route: ControllerRoute): boolean =>
  (route.says<number>(HTTP_CODE_METADATA) ?? 200) !== 200 ||
  [HEADERS_METADATA, REDIRECT_METADATA, SSE_METADATA].some((metadata) => route.says(metadata) !== undefined);

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
