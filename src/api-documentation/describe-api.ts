import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { readApiAnswers } from './api-answers';
import { apiRoutes } from './api-routes';
import { documentOperation } from './document-operation';
import { HEADERS } from './refusals';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/**
 * OpenAPI at /docs-json, Swagger UI at /docs.
 * @throws Error where nothing has been built
 */
export function describeApi(app: NestFastifyApplication): void {
  const answers = readApiAnswers();
  SwaggerModule.setup('docs', app, () => apiDocument(app, answers), {
    jsonDocumentUrl: 'docs-json',
    customSiteTitle: 'GridTokenX API',
    swaggerOptions: { persistAuthorization: true },
  });
}

/**
 * The OpenAPI document. Requests come from the routes' own zod schemas, answers and the errors of the market from their types
 * and code as the build has read them, and all other errors from what a route is like.
 * @throws Error where a route is newer than the last build
 */
export function apiDocument(app: NestFastifyApplication, answers = readApiAnswers()): OpenAPIObject {
  const document = SwaggerModule.createDocument(app, frame(), { operationIdFactory });
  const routes = apiRoutes(app);
  for (const [path, item] of Object.entries(document.paths))
    for (const method of METHODS) {
      const operation = item[method];
      if (operation === undefined) continue;
      const name = routeOf(operation.operationId ?? '');
      const [route, answer] = [routes.get(name), answers.routes[name]];
      if (route === undefined || answer === undefined)
        throw new Error(`What ${name} answers is not known: run npm run build`);
      item[method] = documentOperation(operation, { ...route, ...answer, method, path });
    }
  const { components } = document;
  return {
    ...document,
    components: { ...components, headers: HEADERS, schemas: { ...components?.schemas, ...answers.schemas } },
  };
}

/** What the document says of the API as a whole. */
const frame = (): Omit<OpenAPIObject, 'paths'> =>
  new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('GridTokenX')
    .setDescription(
      'Peer-to-peer energy market. Energy (kWh), money and prices are decimal strings; times are ISO 8601 UTC. ' +
        'Lists take `limit` and `cursor`. Errors are application/problem+json with a stable `code`; those a route is ' +
        'known to answer with stand beside its statuses. ' +
        'Any route may answer 429 `RATE_LIMITED` with `Retry-After` in seconds; where requests are limited, ' +
        '`X-RateLimit-Limit`, `-Remaining` and `-Reset` tell where the caller stands.',
    )
    .setVersion('0.1.0')
    .addBearerAuth()
    .addSecurityRequirements('bearer')
    .build();

/** Unique, and a name in any language: a route of several paths is counted on. */
const operationIdFactory = (controller: string, method: string): string =>
  `${controller}_${method.replace(/\[(\d+)\]$/, (_, index: string) => (index === '0' ? '' : `_${Number(index) + 1}`))}`;

/** `Controller.method` of an operation's id. */
const routeOf = (operationId: string): string => operationId.split('_').slice(0, 2).join('.');
