import { type RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ALLOWED_ROLES, PUBLIC_ROUTE } from '../auth/decorators';
import { HTTP_CACHE } from '../cache/http/http-cache-policy';

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
export function apiRoutes(app: NestFastifyApplication): ReadonlyMap<string, ApiRoute> {
  const controllers = app.get(DiscoveryService).getControllers();
  return new Map(
    controllers.flatMap(({ metatype }) => (metatype === null ? [] : routesOf(metatype as Type))),
  );
}

function routesOf(controller: Type): [string, ApiRoute][] {
  const reflector = new Reflector();
  const prototype = controller.prototype as Record<string, () => unknown>;
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
    const handler = prototype[name] as () => unknown;
    if (reflector.get<RequestMethod | undefined>(METHOD_METADATA, handler) === undefined) return [];
    const says = (what: string): boolean =>
      reflector.getAllAndOverride<unknown>(what, [handler, controller]) !== undefined;
    const route = {
      isPublic: says(PUBLIC_ROUTE),
      isForRoles: says(ALLOWED_ROLES),
      isCached: says(HTTP_CACHE),
    };
    return [[`${controller.name}.${name}`, route]];
  });
}
