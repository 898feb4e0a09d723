import { createHash } from 'node:crypto';
import { Inject, Injectable, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { CACHE_MANAGER, CacheInterceptor, type Cache } from '@nestjs/cache-manager';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { lastValueFrom, of, type Observable } from 'rxjs';
import type { Principal } from '../../auth/principal';
import type { CachedAnswer } from '../answer';
import type { CacheEntry } from '../cache-entry';
import { CacheService } from '../cache.service';
import { HTTP_CACHE, type HttpCachePolicy } from './http-cache-policy';
import { httpEntry, type KeptBody } from './http-entry';
import { BYPASS_HEADERS, CACHE_HEADERS } from './http-headers';
import { HttpReplies } from './http-replies';

type Request = FastifyRequest & { principal?: Principal };

/**
 * Nest's interceptor with a look-up and a load in one: all who ask at the same time share one run of the handler, a
 * handler that began before a write never fills, and its error is everybody's and nobody's to keep.
 */
@Injectable()
export class HttpCacheInterceptor extends CacheInterceptor {
  protected override allowedMethods = ['GET', 'HEAD'];

  constructor(
    @Inject(CACHE_MANAGER) manager: Cache,
    reflector: Reflector,
    private readonly cache: CacheService,
    private readonly replies: HttpReplies,
  ) {
    super(manager, reflector);
  }

  override async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<Request>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const policy = this.reflector.get<HttpCachePolicy>(HTTP_CACHE, context.getHandler());
    const entry = this.isRequestCacheable(context) ? httpEntry(policy, request) : undefined;
    if (entry === undefined) {
      void reply.headers(BYPASS_HEADERS);
      return next.handle();
    }
    const askedAt = Date.now();
    try {
      const answer = await this.cache.answer(entry, () => this.load(entry, reply, next));
      this.replies.remember(request, entry, policy);
      return of(this.replies.prepare(request, reply, asSeenBy(answer, askedAt), policy));
    } catch (error) {
      void reply.headers(BYPASS_HEADERS);
      if (!(error instanceof NotKept)) throw error;
      return error.reply === reply ? of(error.result) : next.handle();
    }
  }

  /** Runs the handler, and makes the text of what it returns. */
  private async load(
    { key: [prefix] }: CacheEntry<KeptBody>,
    reply: FastifyReply,
    next: CallHandler,
  ): Promise<KeptBody> {
    const names = new Set([...CACHE_HEADERS, ...SENT_HEADERS, ...Object.keys(reply.getHeaders())]);
    const result: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
    const isPlain = isSentAsJson(result) && STATUS.has(reply.statusCode);
    if (!isPlain || Object.keys(reply.getHeaders()).some((name) => !names.has(name)))
      throw new NotKept(prefix, reply, result);
    const text = JSON.stringify(result);
    // The text of a kept answer is the same however it was asked for: the policy changes nothing of it.
    const { version = hashOf(text), ...times } = this.cache.timesOf(result) ?? {};
    return { text, version, ...times };
  }
}

/**
 * A text that was made now of an answer that was kept before anybody asked, under another spelling of the same question or
 * in another process, is a hit for who asks: nothing was computed but the text.
 */
function asSeenBy(answer: CachedAnswer<KeptBody>, askedAt: number): CachedAnswer<KeptBody> {
  const { createdAt = askedAt } = answer.value;
  return answer.outcome === 'miss' && createdAt < askedAt ? { ...answer, outcome: 'hit' } : answer;
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** The second one is ours: a handler that renews behind an answer runs while that is sent. */
const STATUS: ReadonlySet<number> = new Set([200, 304]);
/** Set while an answer is sent. */
const SENT_HEADERS = ['content-type', 'content-length', 'connection', 'keep-alive', 'date'];

/** What Fastify sends as the JSON of itself: nothing that is a stream, bytes, or an answer of its own. */
function isSentAsJson(result: unknown): result is object {
  if (typeof result !== 'object' || result === null) return false;
  if (Array.isArray(result)) return true;
  const prototype: unknown = Object.getPrototypeOf(result);
  return prototype === null || prototype === Object.prototype;
}

/** The handler said more than what is kept, a cookie for one: that is for whoever asked, and others ask by themselves. */
class NotKept extends Error {
  constructor(
    prefix: string,
    readonly reply: FastifyReply,
    readonly result: unknown,
  ) {
    super(`answers under ${prefix} set a status or headers, or are no JSON objects: they are not kept`);
  }
}
