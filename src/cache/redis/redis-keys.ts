/**
 * Names in Redis, all below one namespace. What one step touches together shares a hash tag, the part in braces, so
 * that a cluster keeps it on one node.
 */
const NAMESPACE = 'gridtokenx:';

/** Braces in a key would move its hash tag. */
const inBraces = (key: string): string =>
  `{${/[{}]/.test(key) ? key.replaceAll('{', '%7B').replaceAll('}', '%7D') : key}}`;

/** Whose version is part of every answer: raising it drops them all. */
export const NAMESPACE_KEY = `${NAMESPACE}namespace`;
/** Where processes tell each other what was invalidated. */
export const CHANNEL = `${NAMESPACE}invalidations`;

export const valueKey = (key: string): string => `${NAMESPACE}v:${inBraces(key)}`;
export const leaseKey = (key: string): string => `${NAMESPACE}l:${inBraces(key)}`;
export const counterKey = (key: string): string => `${NAMESPACE}n:${inBraces(key)}`;
export const tagKey = (tag: string): string => `${NAMESPACE}t:${tag}`;
