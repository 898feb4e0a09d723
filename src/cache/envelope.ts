import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { BUILD } from '../config/release';

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/**
 * Changes with the form below, and with the build, since that may give values another form: what another one wrote is
 * taken for nothing at all.
 */
const FORMAT = `1 ${BUILD}`;

/**
 * Values are measured in characters, and what is inflated in bytes. A character is at most six of them: as JSON writes
 * those that cannot be shown (`\u0001`). In UTF-8 it would be three at most.
 */
const MAX_BYTES_PER_CHARACTER = 6;

/** An answer as it travels between processes. Times are milliseconds of the wall clock. */
export interface Envelope {
  /** Of the answer, so that a reply that was meant for another question is noticed. */
  readonly key: string;
  /** Tells this answer from every other one under the key; what an ETag is made of. */
  readonly version: string;
  readonly createdAt: number;
  /** Until when it is fresh, and until when it may be given out at all. */
  readonly freshUntil: number;
  readonly expiresAt: number;
  /** How long computing it took: the longer, the earlier it is renewed. */
  readonly loadMs: number;
  /** Version of the namespace and versions of the tags, in the entry's order, when its load began. */
  readonly namespace: string;
  readonly tagVersions: readonly string[];
  readonly value: unknown;
}

/** What is written: short names, since they are written with every answer. */
interface Packed {
  readonly f: string;
  readonly k: string;
  readonly i: string;
  readonly c: number;
  readonly s: number;
  readonly e: number;
  readonly d: number;
  readonly n: string;
  readonly g: readonly string[];
  readonly v?: unknown;
  /** The value's JSON, deflated, as base64. */
  readonly z?: string | undefined;
}

/** As a value that JSON text is made of. */
export const pack = (envelope: Envelope): Packed => packed(envelope, envelope.value, undefined);

/** The same with the value deflated: less to keep and to send, more to compute. */
export async function packCompressed(envelope: Envelope): Promise<Packed> {
  const bytes = await deflate(JSON.stringify(envelope.value), { level: 3 });
  return packed(envelope, undefined, bytes.toString('base64'));
}

/** What was written, for {@link unpack}; undefined for what is no JSON. */
export function parsed(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads what was written, by this build or another one.
 * @param maxCharacters a value that must be larger, seen by its bytes when inflated, is taken for nothing
 * @returns undefined for what is no envelope of this form, or one of another key; its value is not frozen yet
 */
export function unpack(
  packed: unknown,
  key: string,
  maxCharacters: number,
): Envelope | undefined | Promise<Envelope | undefined> {
  if (!isPacked(packed) || packed.k !== key) return undefined;
  if (packed.z !== undefined) return inflated(packed, packed.z, maxCharacters * MAX_BYTES_PER_CHARACTER);
  return packed.v === undefined ? undefined : open(packed, packed.v);
}

function packed(envelope: Envelope, value: unknown, deflated: string | undefined): Packed {
  return {
    f: FORMAT,
    k: envelope.key,
    i: envelope.version,
    c: envelope.createdAt,
    s: envelope.freshUntil,
    e: envelope.expiresAt,
    d: envelope.loadMs,
    n: envelope.namespace,
    g: envelope.tagVersions,
    v: value,
    z: deflated,
  };
}

async function inflated(packed: Packed, text: string, maxBytes: number): Promise<Envelope | undefined> {
  try {
    const bytes = await inflate(Buffer.from(text, 'base64'), { maxOutputLength: maxBytes });
    return open(packed, JSON.parse(bytes.toString('utf8')));
  } catch {
    return undefined; // what cannot be read is a miss
  }
}

function open(packed: Packed, value: unknown): Envelope {
  return {
    key: packed.k,
    version: packed.i,
    createdAt: packed.c,
    freshUntil: packed.s,
    expiresAt: packed.e,
    loadMs: packed.d,
    namespace: packed.n,
    tagVersions: packed.g,
    value,
  };
}

function isPacked(candidate: unknown): candidate is Packed {
  if (typeof candidate !== 'object' || candidate === null) return false;
  const { f, k, i, c, s, e, d, n, g, z } = candidate as Partial<Packed>;
  return (
    f === FORMAT &&
    typeof k === 'string' &&
    typeof i === 'string' &&
    typeof n === 'string' &&
    Number.isFinite(c) &&
    Number.isFinite(s) &&
    Number.isFinite(e) &&
    Number.isFinite(d) &&
    Array.isArray(g) &&
    (z === undefined || typeof z === 'string')
  );
}
