import { STATUS_CODES } from 'node:http';
import { Unauthenticated, WrongRole } from '../auth/auth.errors';
import { InvalidInput } from '../common/domain-error';
import { DATABASE_CODES, problemOf, statusOfKind } from '../http/problem';
import type { RouteAnswer } from './api-answers';
import type { ApiRoute } from './api-routes';

/** What decides on how a route may refuse. */
export interface Refusing extends ApiRoute {
  readonly method: string;
  readonly hasParameters: boolean;
  readonly hasPathParameter: boolean;
  readonly isLimited: boolean;
  readonly reachesDatabase: boolean;
  readonly refusals: RouteAnswer['refusals'];
}

/** The statuses a route may refuse with, each with the codes that are known of it; the smallest first. */
export function refusalsOf(route: Refusing): Map<number, readonly string[]> {
  const codes = new Map<number, Set<string>>();
  const add = (status: number, ...known: readonly string[]): void => {
    const all = codes.get(status) ?? new Set();
    for (const code of known) all.add(code);
    codes.set(status, all);
  };
  const addError = (error: unknown): void => {
    const { status, code } = problemOf(error).problem;
    add(status, code);
  };
  // Fastify reads whatever body comes with a method that may have one.
  const writes = route.method !== 'get';
  if (route.hasParameters || writes) {
    addError(new InvalidInput([]));
    addError({ statusCode: 400 });
  }
  if (!route.isPublic) addError(new Unauthenticated());
  if (route.isForRoles) addError(new WrongRole());
  if (route.hasPathParameter) {
    add(404);
    addError({ statusCode: 414 });
  }
  if (writes) {
    add(409);
    add(422);
    addError({ statusCode: 413 });
  }
  addError({ statusCode: 415 }); // a body that is compressed is refused wherever it is sent
  if (route.isLimited) add(429, 'RATE_LIMITED');
  if (route.reachesDatabase) add(503, ...DATABASE_CODES);
  addError(new Error('anything else'));
  for (const { kind, code } of route.refusals) add(statusOfKind(kind), ...(code === undefined ? [] : [code]));
  return new Map([...codes].sort(([a], [b]) => a - b).map(([status, known]) => [status, [...known].sort()]));
}

/** The response that a status is documented by. */
export function refusalResponse(status: number, codes: readonly string[]) {
  const known = codes.map((code) => `\`${code}\``).join(', ');
  const headers = [
    'X-Request-Id',
    ...(status === 429 || status === 503 ? ['Retry-After'] : []),
    ...(status === 429 ? LIMIT_HEADERS : []),
  ];
  return {
    description: [STATUS_CODES[status] ?? String(status), known].filter(Boolean).join(': '),
    headers: headersNamed(headers),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

/** On every answer of a route that is limited. */
export const LIMIT_HEADERS = ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset'];

/** The headers that {@link headersNamed} refers to. */
export const HEADERS = {
  'X-Request-Id': {
    description: 'What to quote when an answer is reported: the id that the request came with, or a new one',
    schema: { type: 'string' },
  },
  'Retry-After': {
    description: 'Seconds after which trying again makes sense, where that is known',
    schema: { type: 'integer' },
  },
  'X-RateLimit-Limit': {
    description: 'Requests that the caller may send this route in a window; only where requests are limited',
    schema: { type: 'integer' },
  },
  'X-RateLimit-Remaining': {
    description: 'Requests that are left of the window',
    schema: { type: 'integer' },
  },
  'X-RateLimit-Reset': {
    description: 'Seconds until the window ends',
    schema: { type: 'integer' },
  },
} as const;

export const headersNamed = (names: readonly string[]): Record<string, { $ref: string }> =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
