import type { OpenAPIObject } from '@nestjs/swagger';
import { limitClassOf } from '../rate-limits/limit-classes';
import type { RouteAnswer } from './api-answers';
import type { ApiRoute } from './api-routes';
import { headersNamed, LIMIT_HEADERS, refusalResponse, refusalsOf } from './refusals';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Response = Extract<Operation['responses'][string], { description: string }>;

/** A route with what its decorators, its types and its code say of it. */
interface DescribedRoute extends ApiRoute, RouteAnswer {
  readonly method: string;
  /** As OpenAPI writes it: `/api/offers/{id}`. */
  readonly path: string;
}

/** An operation with its docstring, with what it answers, and with all by which it may refuse. */
export function documentOperation(operation: Operation, route: DescribedRoute): Operation {
  const isLimited = isLimitedRoute(route);
  const responses = { ...operation.responses };
  for (const [status, response] of Object.entries(responses) as [string, Response][])
    responses[status] = withAnswer(response, Number(status), route, isLimited);
  if (route.isCached)
    responses['304'] = {
      description: 'Not modified: who asks with If-None-Match or If-Modified-Since has this answer already',
    };
  const parameters = (operation.parameters ?? []) as { readonly in: string }[];
  const refusals = refusalsOf({
    ...route,
    isLimited,
    hasParameters: parameters.length > 0,
    hasPathParameter: parameters.some((parameter) => parameter.in === 'path'),
    reachesDatabase: route.path.startsWith('/api/'),
  });
  for (const [status, codes] of refusals) responses[status] ??= refusalResponse(status, codes);
  return {
    ...operation,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(route.isPublic ? { security: route.knowsUser ? [{}, { bearer: [] }] : [] } : {}),
    responses,
  };
}

/** What Nest has of a response is its status, and its media type where the route declares one that is not a success. */
function withAnswer(
  response: Response,
  status: number,
  { mediaType, schema }: RouteAnswer,
  isLimited: boolean,
): Response {
  const media = Object.keys(response.content ?? {})[0] ?? (status < 400 ? mediaType : undefined);
  if (status >= 400 && media === undefined)
    return { ...refusalResponse(status, []), description: response.description };
  return {
    ...response,
    description: response.description || (schema === undefined ? 'Done' : 'Success'),
    headers: headersNamed(['X-Request-Id', ...(isLimited ? LIMIT_HEADERS : [])]),
    ...(media === undefined || schema === undefined ? {} : { content: { [media]: { schema } } }),
  };
}

function isLimitedRoute({ method, path, isPublic }: DescribedRoute): boolean {
  const template = path.replaceAll(/\{(\w+)\}/g, ':$1');
  return limitClassOf(`${method.toUpperCase()} ${template}`, isPublic) !== undefined;
}
