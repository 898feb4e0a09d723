import { DiscoveryService } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ALLOWED_ROLES, PUBLIC_ROUTE } from '../auth/decorators';
import { HTTP_CACHE } from '../cache/http/http-cache-policy';
import { controllerRoutes } from '../http/controller-routes';

/** What a route's decorators say that the documentation has to tell. */
export interface ApiRoute {
  /** Answers who is not logged in. */
  readonly isPublic: boolean;
  /** Is for some roles only. */
  readonly isForRoles: boolean;
  /** Answers 304 to who has the same already. */
  readonly isCached: boolean;
}

/** Every route of every controller, by `Controller.method`. */
export const apiRoutes = (app: NestFastifyApplication): ReadonlyMap<string, ApiRoute> =>
  new Map(
    controllerRoutes(app.get(DiscoveryService)).map((route) => [
      route.name,
      {
        isPublic: route.says(PUBLIC_ROUTE) === true,
        isForRoles: route.says(ALLOWED_ROLES) !== undefined,
        isCached: route.says(HTTP_CACHE) !== undefined,
      },
    ]),
  );
