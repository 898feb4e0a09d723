import type { AnswerTimes, Outcome } from '../answer';
import type { HttpCachePolicy } from './http-cache-policy';

export const JSON_TYPE = 'application/json; charset=utf-8';

/** What headers are made of. */
export interface Described extends AnswerTimes {
  readonly outcome: Outcome;
  readonly etag: string | undefined;
}

type Policy = Pick<HttpCachePolicy, 'scope' | 'clientSeconds'>;
export type CacheHeaders = Record<string, string>;

/** Names of all headers that may be set here. */
export const CACHE_HEADERS: readonly string[] = ['x-cache', 'cache-control', 'etag', 'age', 'vary'];

/** For what is not kept, an error too: nobody else keeps it either. */
export const BYPASS_HEADERS: CacheHeaders = { 'x-cache': 'BYPASS', 'cache-control': 'no-store' };

/** What clients and proxies are told of an answer. */
export function cacheHeaders(answer: Described, policy: Policy, now: number): CacheHeaders {
  const xCache = answer.outcome.toUpperCase();
  if (answer.etag === undefined) return { ...BYPASS_HEADERS, 'x-cache': xCache };
  const age = Math.max(0, Math.floor((now - answer.createdAt) / 1000));
  return {
    'x-cache': xCache,
    'cache-control': `${policy.scope === 'public' ? 'public' : 'private'}, ${freshness(answer, policy, age, now)}`,
    etag: answer.etag,
    age: String(age),
  };
}

/** Clients take the age off the lifetime (RFC 9111, 4.2): what is left comes on top of it. */
function freshness(
  { freshUntil }: AnswerTimes,
  { clientSeconds = 0 }: Policy,
  age: number,
  now: number,
): string {
  const left = Math.min(clientSeconds, Math.floor((freshUntil - now) / 1000));
  return left > 0 ? `max-age=${age + left}` : 'no-cache';
}

export const etagOf = (version: string): string => `"${version}"`;

const ETAGS = /"[^"]*"/g;

/** Whether one of the answers that a client has is this one; it compares weakly, as RFC 9110 (13.1.2) wants. */
export function isKnown(ifNoneMatch: string | undefined, etag: string | undefined): boolean {
  if (ifNoneMatch === undefined || etag === undefined) return false;
  if (ifNoneMatch === etag || ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.match(ETAGS)?.includes(etag) ?? false;
}
