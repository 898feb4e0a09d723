import type { Principal } from '../../auth/principal';
import type { CacheEntry } from '../cache-entry';
import type { HttpCachePolicy } from './http-cache-policy';

/** Of a parameter; cursors are the longest ones that our routes take. */
const MAX_VALUE_LENGTH = 400;
/** Of all parameters together. */
const MAX_KEY_LENGTH = 1_000;

/** What is kept of an answer. */
export interface KeptBody {
  /** The JSON text that is sent. */
  readonly text: string;
  /** What its ETag is made of: the same in every process that sends these bytes. */
  readonly version: string;
  /** When what it tells was computed, and until when that is fresh, where it comes from another cached answer. */
  readonly createdAt?: number;
  readonly freshUntil?: number;
}

/** The parts of a request that keys are made of. */
export interface RequestParts {
  readonly params: unknown;
  readonly query: unknown;
  readonly principal?: Principal | undefined;
}

/**
 * Under what the answer to a request is kept.
 * @returns undefined for a request that is not cached: with a parameter that the policy does not name, that is repeated,
 *   empty, too long or has blanks at its ends, of nobody where answers belong to somebody, or for what the policy has no
 *   tags for
 */
export function httpEntry(policy: HttpCachePolicy, request: RequestParts): CacheEntry<KeptBody> | undefined {
  const { prefix, scope, ttlSeconds, staleSeconds } = policy;
  const params = textsOf(request.params);
  const query = textsOf(request.query);
  const who = scope === 'public' ? [] : whoOf(request.principal);
  if (params === undefined || query === undefined || who === undefined) return undefined;
  const names = Object.keys(query).sort();
  if (!names.every((name) => policy.query?.includes(name))) return undefined;
  const parts = [...who, ...Object.values(params), ...names.flatMap((name) => [name, query[name] as string])];
  if (parts.reduce((length, part) => length + part.length, 0) > MAX_KEY_LENGTH) return undefined;
  const userId = scope === 'public' ? undefined : request.principal?.userId;
  const tags = typeof policy.tags === 'function' ? policy.tags({ params, query, userId }) : policy.tags;
  if (tags === undefined) return undefined;
  return {
    key: [prefix, ...parts],
    ttlSeconds,
    localOnly: true,
    tags,
    ...(staleSeconds === undefined ? {} : { staleSeconds }),
    validUntil: ({ freshUntil }) => freshUntil,
  };
}

/** Whoever has other rights may be shown other things. */
const whoOf = (principal: Principal | undefined): string[] | undefined =>
  principal && [principal.userId, principal.role, principal.organizationId ?? ''];

/** Values as they are: what a route would refuse or read in another way must not share a key with what it takes. */
function textsOf(values: unknown): Record<string, string> | undefined {
  const given = Object.entries((values ?? {}) as Record<string, unknown>);
  return given.every(isText) ? Object.fromEntries(given) : undefined;
}

const isText = (given: [string, unknown]): given is [string, string] => {
  const [, value] = given;
  return (
    typeof value === 'string' && value !== '' && value.length <= MAX_VALUE_LENGTH && value.trim() === value
  );
};
