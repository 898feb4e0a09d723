import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, Reflector, type DiscoveryService } from '@nestjs/core';

type Handler = (...args: unknown[]) => unknown;

const scanner = new MetadataScanner();
const reflector = new Reflector();

/** A method of a controller that answers requests. */
export class ControllerRoute {
  constructor(
    private readonly controller: Type,
    private readonly handler: Handler,
    readonly method: RequestMethod,
    /** `Controller.method`, as the code names it. */
    readonly name: string,
  ) {}

  /** Method and template, such as `GET /api/offers/:id`, for each path that leads here. */
  get endpoints(): string[] {
    const paths = joined(pathsOf(this.controller), pathsOf(this.handler));
    return paths.map((path) => `${RequestMethod[this.method]} ${path}`);
  }

  /** What a decorator says of the method, else of its controller. */
  says<Value = unknown>(metadata: string): Value | undefined {
    return reflector.getAllAndOverride<Value | undefined>(metadata, [this.handler, this.controller]);
  }
}

/** Every route of every controller of the application. */
export function controllerRoutes(discovery: DiscoveryService): ControllerRoute[] {
  return discovery
    .getControllers()
    .flatMap(({ metatype }) => (metatype === null ? [] : routesOf(metatype as Type)));
}

function routesOf(controller: Type): ControllerRoute[] {
  const prototype = controller.prototype as Record<string, Handler>;
  return scanner.getAllMethodNames(prototype).flatMap((name) => {
    const handler = prototype[name] as Handler;
    const method = reflector.get<RequestMethod | undefined>(METHOD_METADATA, handler);
    if (method === undefined) return [];
    return [new ControllerRoute(controller, handler, method, `${controller.name}.${name}`)];
  });
}

const pathsOf = (target: Type | Handler): string[] =>
  [reflector.get<string | string[] | undefined>(PATH_METADATA, target) ?? ''].flat();

/** As Nest puts them together: one slash between, none at the end. */
const joined = (befores: readonly string[], afters: readonly string[]): string[] =>
  befores.flatMap((before) =>
    afters.map((after) => `/${before}/${after}`.replace(/\/+/g, '/').replace(/(?!^)\/$/, '')),
  );
