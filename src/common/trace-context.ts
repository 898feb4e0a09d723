/** Where work belongs in a trace that may span several systems: W3C Trace Context, level 1. */
export interface TraceContext {
  /** 32 hexadecimal digits, the same in every system that has a part in the trace. */
  readonly traceId: string;
  /** 16 hexadecimal digits: the span that whatever happens now belongs to. */
  readonly spanId: string;
  /** Whoever began the trace keeps it. */
  readonly sampled: boolean;
}

/** Versions after 00 may append fields, which are none of ours. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const VERSION_00_LENGTH = 55;
/** More than that is no header of a trace. */
const MOST_LENGTH = 512;
const SAMPLED = 1;

/**
 * Reads a `traceparent` header.
 * @returns undefined where there is none, or none that keeps to the rules: such a one counts as absent (W3C Trace Context, 3.2)
 */
export function traceContextOf(header: string | string[] | undefined): TraceContext | undefined {
  if (typeof header !== 'string' || header.length > MOST_LENGTH) return undefined;
  if (header.startsWith('00') && header.length !== VERSION_00_LENGTH) return undefined;
  const [, traceId, spanId, flags] = TRACEPARENT.exec(header) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED };
}
