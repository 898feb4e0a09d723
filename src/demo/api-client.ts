import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { ApiProblem, ServerUnreachable, Stopped } from './api-problem';

const TRY_LATER = new Set([429, 503]);
const MOST_TRIES = 8;
const LONGEST_WAIT_MS = 60_000;
const FIRST_RECONNECT_MS = 200;
const RECONNECTS = 3;
const UPLOAD_TIMEOUT_MS = 30 * 60_000;

export interface ApiOptions {
  /** Where the server listens, such as http://127.0.0.1:8080. */
  readonly url: string;
  /** How long one answer may take. */
  readonly timeoutMs?: number;
  /** Stops everything when it fires. */
  readonly signal?: AbortSignal;
  readonly fetch?: typeof fetch;
  /** Waits between tries; the signal wakes it. */
  readonly pause?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<unknown>;
}

/** What a request sends, made anew for each try. */
interface Payload {
  readonly contentType: string;
  readonly body: () => NonNullable<RequestInit['body']>;
  readonly timeoutMs?: number;
}

interface Session {
  token: string | undefined;
  readonly logIn: () => Promise<string>;
}

const pauseFor = (milliseconds: number, signal: AbortSignal | undefined): Promise<unknown> =>
  sleep(milliseconds, undefined, signal === undefined ? {} : { signal });

/**
 * The public HTTP API, as one caller. Waits as long as Retry-After says, a bounded number of times and at
 * most a minute at once; connects again after a lost connection (everything it is used for may be sent twice:
 * references, clientOrderIds and unique names make the second one harmless); logs in again when a token has
 * run out.
 * @throws ApiProblem when the server refuses; ServerUnreachable; Stopped
 */
export class ApiClient {
  constructor(
    private readonly options: ApiOptions,
    private readonly session?: Session,
  ) {}

  /** The same server as somebody who logs in when it is first needed, and again when the token has run out. */
  as(logIn: () => Promise<string>): ApiClient {
    return new ApiClient(this.options, { token: undefined, logIn });
  }

  get<Answer>(path: string, answer: z.ZodType<Answer>): Promise<Answer> {
    return this.send('GET', path, answer);
  }

  post<Answer>(path: string, body: unknown, answer: z.ZodType<Answer>): Promise<Answer> {
    return this.send('POST', path, answer, jsonOf(body));
  }

  put<Answer>(path: string, body: unknown, answer: z.ZodType<Answer>): Promise<Answer> {
    return this.send('PUT', path, answer, jsonOf(body));
  }

  /** Streams text/csv, however long it is. `chunks` is asked anew when it has to be sent again. */
  uploadCsv<Answer>(
    path: string,
    chunks: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    answer: z.ZodType<Answer>,
  ): Promise<Answer> {
    const body = () => Readable.toWeb(Readable.from(chunks())) as NonNullable<RequestInit['body']>;
    return this.send('POST', path, answer, { contentType: 'text/csv', body, timeoutMs: UPLOAD_TIMEOUT_MS });
  }

  /** Every item of a list, page by page, as the server sorts it. */
  async *pages<Item>(
    path: string,
    page: z.ZodType<{ items: Item[]; nextCursor: string | null }>,
  ): AsyncGenerator<Item[]> {
    const separator = path.includes('?') ? '&' : '?';
    let cursor: string | null = null;
    do {
      const from: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const { items, nextCursor } = await this.get(`${path}${separator}limit=200${from}`, page);
      yield items;
      cursor = nextCursor;
    } while (cursor !== null);
  }

  private async send<Answer>(
    method: string,
    path: string,
    answer: z.ZodType<Answer>,
    payload?: Payload,
  ): Promise<Answer> {
    const request = nameOf(method, path);
    const response = await this.answered(method, path, payload);
    const text = await response.text().catch((error: unknown) => this.refuseToContinue(error, request));
    if (!response.ok) throw ApiProblem.from(response.status, text, request);
    return understood(text, answer, `${this.options.url} answered ${request}`);
  }

  /** Tries until there is an answer that is not "later", or until it was tried often enough. */
  private async answered(method: string, path: string, payload: Payload | undefined): Promise<Response> {
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      const response = await this.connected(method, path, payload);
      if (response.status === 401 && this.session?.token !== undefined && !renewed) {
        renewed = true;
        this.session.token = undefined;
      } else if (TRY_LATER.has(response.status) && attempt < MOST_TRIES) {
        const wait = retryAfterMs(response.headers.get('retry-after'), attempt);
        // A minute is worth waiting for; a lock-out of a quarter of an hour is something to be told about.
        if (wait > LONGEST_WAIT_MS) return response;
        await this.pause(wait);
      } else {
        return response;
      }
      await response.body?.cancel();
    }
  }

  /** Sends once, and again when the connection was lost. */
  private async connected(method: string, path: string, payload: Payload | undefined): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.sendOnce(method, path, payload);
      } catch (error) {
        const lost = isLostConnection(error) && attempt < RECONNECTS;
        if (!lost || this.stopped) this.refuseToContinue(error, nameOf(method, path));
      }
      await this.pause(FIRST_RECONNECT_MS * 2 ** attempt);
    }
  }

  private async sendOnce(method: string, path: string, payload: Payload | undefined): Promise<Response> {
    const token = await this.token();
    const timeout = AbortSignal.timeout(payload?.timeoutMs ?? this.timeoutMs);
    const { signal } = this.options;
    const headers = {
      accept: 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(payload === undefined ? {} : { 'content-type': payload.contentType }),
    };
    return (this.options.fetch ?? fetch)(`${this.options.url}${path}`, {
      method,
      headers,
      redirect: 'error',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      ...(payload === undefined ? {} : { body: payload.body(), duplex: 'half' as const }),
    });
  }

  private async token(): Promise<string | undefined> {
    if (this.session === undefined) return undefined;
    this.session.token ??= await this.session.logIn();
    return this.session.token;
  }

  private async pause(milliseconds: number): Promise<void> {
    const { signal, pause = pauseFor } = this.options;
    await pause(milliseconds, signal).catch((error: unknown) => {
      throw this.stopped ? new Stopped() : error;
    });
  }

  private get stopped(): boolean {
    return this.options.signal?.aborted === true;
  }

  private get timeoutMs(): number {
    return this.options.timeoutMs ?? 60_000;
  }

  private refuseToContinue(error: unknown, request: string): never {
    const { url } = this.options;
    if (this.stopped) throw new Stopped();
    if (isNamed(error, 'TimeoutError')) {
      throw new ServerUnreachable(
        `${url} did not answer ${request} in time; when the server is well, run the same command again and it goes on`,
      );
    }
    if (!isLostConnection(error)) throw error;
    throw new ServerUnreachable(
      `No server answers at ${url} (${error.cause.code ?? error.cause.message ?? error.message}): start one with "npm start", or name another with --url`,
    );
  }
}

function jsonOf(body: unknown): Payload {
  const text = JSON.stringify(body);
  return { contentType: 'application/json', body: () => text };
}

/** Retry-After is seconds or a date; without it the wait grows from half a second. */
function retryAfterMs(header: string | null, attempt: number): number {
  if (header === null) return 250 * 2 ** attempt;
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(wait) && wait > 0 ? wait : 0;
}

function understood<Answer>(text: string, answer: z.ZodType<Answer>, what: string): Answer {
  try {
    return answer.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ServerUnreachable(
      `${what} in a form that is not known here; is it a server of this release? ${why}`,
    );
  }
}

/** The request for people: without its query, which may be long. */
const nameOf = (method: string, path: string): string => `${method} ${path.split('?', 1)[0]}`;

const isNamed = (error: unknown, name: string): error is Error => (error as Error | undefined)?.name === name;

/** fetch throws a TypeError "fetch failed" for whatever the network does, and hides what happened in its cause. */
const isLostConnection = (error: unknown): error is Error & { cause: { code?: string; message?: string } } =>
  isNamed(error, 'TypeError') && typeof error.cause === 'object';
