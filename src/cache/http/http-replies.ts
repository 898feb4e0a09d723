import type { OutgoingHttpHeader } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import QuickLRU from 'quick-lru';
import type { CachedAnswer } from '../answer';
import type { CacheEntry } from '../cache-entry';
import { CacheService } from '../cache.service';
import type { HttpCachePolicy } from './http-cache-policy';
import type { KeptBody } from './http-entry';
import { cacheHeaders, etagOf, isKnown, JSON_TYPE, type CacheHeaders } from './http-headers';

/**
 * Between this and twice as many URLs are remembered, and only short ones: with what they lead to they take less than one
 * and a half kilobytes each, 8 MiB in all, beside what CACHE_L1_MAX_BYTES bounds. The others go to the pipeline.
 */
const MAX_URLS = 3_000;
const MAX_URL_LENGTH = 300;

/** What a URL led to. */
interface KnownUrl {
  readonly entry: CacheEntry<KeptBody>;
  readonly policy: HttpCachePolicy;
}

/** A text as it goes over the wire. */
interface SentBody {
  readonly bytes: Buffer;
  readonly length: string;
}

/** Turns kept answers into replies, the same ones before Nest's pipeline and in it. */
@Injectable()
export class HttpReplies {
  /** By the URL as it was sent: who asks for it again has nothing to be parsed. */
  private readonly urls = new QuickLRU<string, KnownUrl>({ maxSize: MAX_URLS });

  /** As long as the text itself is kept; the first tier counts twice what a text takes. */
  private readonly bodies = new WeakMap<KeptBody, SentBody>();

  constructor(private readonly cache: CacheService) {}

  /** Lets requests for this URL be answered before the pipeline from now on. */
  remember(request: FastifyRequest, entry: CacheEntry<KeptBody>, policy: HttpCachePolicy): void {
    const { url = '' } = request.raw;
    if (policy.scope !== 'public' || url.length > MAX_URL_LENGTH) return;
    this.urls.set(url, { entry, policy });
  }

  /** Answers what is fresh in the memory of this process. @returns whether it did */
  answer(request: FastifyRequest, reply: FastifyReply): boolean {
    const { method, url = '' } = request.raw;
    if (method !== 'GET' && method !== 'HEAD') return false;
    const known = this.urls.get(url);
    if (known === undefined) return false;
    const answer = this.cache.peek(known.entry);
    if (answer === undefined) return false;
    const { etag, headers } = headersOf(answer, known.policy);
    const isHead = method === 'HEAD';
    if (isKnown(request.headers['if-none-match'], etag)) sendNow(reply, 304, headers);
    else sendNow(reply, 200, headers, this.bytesOf(answer.value), isHead);
    return true;
  }

  private bytesOf(value: KeptBody): SentBody {
    let body = this.bodies.get(value);
    if (body === undefined) {
      const bytes = Buffer.from(value.text);
      body = { bytes, length: String(bytes.length) };
      this.bodies.set(value, body);
    }
    return body;
  }

  /** Sets status and headers. @returns the body to send; none where the client has it already */
  prepare(
    request: FastifyRequest,
    reply: FastifyReply,
    answer: CachedAnswer<KeptBody>,
    policy: HttpCachePolicy,
  ): string | undefined {
    const { etag, headers } = headersOf(answer, policy);
    void reply.headers(headers);
    if (policy.scope === 'user') void reply.header('vary', varyBy('Authorization', reply.getHeader('vary')));
    if (isKnown(request.headers['if-none-match'], etag)) {
      void reply.status(304);
      return undefined;
    }
    void reply.header('content-type', JSON_TYPE);
    return answer.value.text;
  }
}

function headersOf(
  { outcome, version, value, freshUntil, createdAt }: CachedAnswer<KeptBody>,
  policy: HttpCachePolicy,
): { etag: string | undefined; headers: CacheHeaders } {
  const etag = version === undefined ? undefined : etagOf(value.version);
  const described = { outcome, etag, freshUntil, createdAt: value.createdAt ?? createdAt };
  return { etag, headers: cacheHeaders(described, policy, Date.now()) };
}

const varyBy = (name: string, others: string | string[] | number | undefined): string =>
  others === undefined ? name : `${String(others)}, ${name}`;

/**
 * Past Fastify, which would look at each header and at the body again. Hooks of `onSend` do not see it; those of
 * `onResponse` do.
 */
function sendNow(
  reply: FastifyReply,
  status: number,
  own: CacheHeaders,
  body?: SentBody,
  isHead = false,
): void {
  const headers: OutgoingHttpHeader[] =
    body === undefined ? [] : ['content-type', JSON_TYPE, 'content-length', body.length];
  for (const name in own) headers.push(name, own[name] as string);
  const others = reply.getHeaders();
  for (const name in others) headers.push(name, others[name] as OutgoingHttpHeader);
  const { raw } = reply.hijack();
  raw.writeHead(status, headers);
  raw.end(isHead ? undefined : body?.bytes);
}
