import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoggerService } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CacheService } from '../../src/cache/cache.service';
import { loadConfig } from '../../src/config/config';
import { createApp } from '../../src/create-app';
import type { DatabaseUrls } from '../../src/database/database.module';
import { DatabaseService } from '../../src/database/database.service';
import { SessionsService } from '../../src/users/sessions.service';
import { migratedDatabase } from './database';
import { checkDocumented } from './documented-answers';
import { until } from './eventually';

/** Somebody who is logged in. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly password: string;
  readonly token: string;
  readonly refreshToken: string;
}

export interface Answer<Body = any> {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
}

interface RequestOptions {
  readonly as?: Person | string | undefined;
  readonly body?: unknown;
  readonly headers?: Record<string, string> | undefined;
}

type Role = 'admin' | 'operator' | 'auditor' | 'prosumer' | 'consumer' | 'corporate';

/** The first administrator of every application that tests start. */
export const ADMIN = { email: 'admin@example.org', password: 'correct horse battery' };
const PASSWORD = 'a long enough password';

/** How long tests that are not about that wait for Redis. */
export const PATIENT_REDIS_MS = '10000';

let people = 0;

/**
 * The whole application on a database of its own, listening on loopback, and an admin who is logged in.
 * @param variables environment variables beside the defaults of tests; `REDIS_URL` comes from
 *   `process.env.TEST_REDIS_URL` when a test wants Redis
 * @param urls another database than a new one: for a second process on the same data
 * @param logger hears what the application logs; by default nobody does, or the console where TEST_LOG is set
 */
export async function startApp(
  variables: Record<string, string> = {},
  urls?: DatabaseUrls,
  logger: LoggerService | false = process.env['TEST_LOG'] === undefined ? false : console,
): Promise<TestApp> {
  const database = urls ?? (await migratedDatabase());
  const dataDir = mkdtempSync(join(tmpdir(), 'gridtokenx-app-'));
  const config = loadConfig({
    DATABASE_URL: database.applicationUrl,
    DATABASE_MIGRATION_URL: database.ownerUrl,
    DATA_DIR: dataDir,
    JWT_SECRET: 'a secret of tests only, 32 characters or more',
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
    DB_POOL_MIN: '1',
    CACHE_WARM_LOADS_PER_SECOND: '0', // tests say themselves what is cached, and when
    RATE_LIMIT_ENABLED: 'false',
    REDIS_COMMAND_TIMEOUT_MS: PATIENT_REDIS_MS, // what is asserted to be kept shall be kept on a busy machine too
    ...variables,
  });
  const app = await createApp(config, database, logger);
  await app.listen(0, '127.0.0.1');
  // A start waits a second for Redis: on a machine that stands still meanwhile answers would not be kept at first.
  if (isKept(variables)) await until(() => app.get(CacheService).isAnswering());
  const running = new TestApp(app, database, dataDir, await app.getUrl());
  running.admin = await running.logsIn(ADMIN.email, ADMIN.password);
  return running;
}

/** Whether they name the Redis that is always there: others may be away, and mean to be. */
const isKept = ({ REDIS_URL: url }: Record<string, string>): boolean =>
  url !== undefined && url === process.env['TEST_REDIS_URL'];

export class TestApp {
  admin: Person;

  /** @param isOurs false where it has routes of a test's own, which are documented nowhere */
  constructor(
    readonly nest: NestFastifyApplication,
    readonly urls: DatabaseUrls,
    readonly dataDir: string,
    readonly url: string,
    private readonly isOurs = true,
  ) {}

  get database(): DatabaseService {
    return this.nest.get(DatabaseService);
  }

  get(path: string, options?: RequestOptions): Promise<Answer> {
    return this.request('GET', path, options);
  }

  post(path: string, options?: RequestOptions): Promise<Answer> {
    return this.request('POST', path, options);
  }

  put(path: string, options?: RequestOptions): Promise<Answer> {
    return this.request('PUT', path, options);
  }

  patch(path: string, options?: RequestOptions): Promise<Answer> {
    return this.request('PATCH', path, options);
  }

  delete(path: string, options?: RequestOptions): Promise<Answer> {
    return this.request('DELETE', path, options);
  }

  /**
   * Strings and buffers go as they are (name their content-type), everything else as JSON.
   * @throws Error where the answer is not one that the API's documentation knows
   */
  async request(
    method: string,
    path: string,
    { as, body, headers = {} }: RequestOptions = {},
  ): Promise<Answer> {
    const token = typeof as === 'string' ? as : as?.token;
    const raw = typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream;
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined || raw ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') === true && text !== '';
    const answer = {
      status: response.status,
      headers: response.headers,
      body: json ? JSON.parse(text) : text,
    };
    const contentType = response.headers.get('content-type');
    if (this.isOurs) checkDocumented(this.nest, { ...answer, method, path, contentType });
    return answer;
  }

  /** A new user with a role, logged in. Roles that nobody can register as are given by the admin. */
  async registers({ role = 'prosumer', name }: { role?: Role; name?: string } = {}): Promise<Person> {
    const username = name ?? `person${++people}`;
    const email = `${username}@example.org`;
    const self = role === 'consumer' || role === 'prosumer';
    const registered = await this.post('/api/auth/register', {
      body: { email, username, password: PASSWORD, role: self ? role : 'consumer' },
    });
    if (registered.status !== 201) throw new Error(`registration failed: ${JSON.stringify(registered.body)}`);
    if (!self) {
      const changed = await this.patch(`/api/users/${registered.body.id}`, {
        as: this.admin,
        body: { role },
      });
      if (changed.status !== 200) throw new Error(`role was not given: ${JSON.stringify(changed.body)}`);
    }
    // The session is opened without the log-in: checking the password again would cost most of a test's time.
    const { id } = registered.body as { id: string };
    const sessions = this.nest.get(SessionsService);
    const { accessToken, refreshToken } = await this.database.transaction((tx) =>
      sessions.open(tx, id, undefined),
    );
    return { id, email, username, password: PASSWORD, token: accessToken, refreshToken };
  }

  async logsIn(identifier: string, password: string): Promise<Person> {
    const { status, body } = await this.post('/api/auth/login', { body: { identifier, password } });
    if (status !== 200) throw new Error(`log-in failed with ${status}: ${JSON.stringify(body)}`);
    const token = body.accessToken as string;
    const me = await this.get('/api/users/me', { as: token });
    const { id, email, username } = me.body;
    return { id, email, username, password, token, refreshToken: body.refreshToken };
  }

  async close(): Promise<void> {
    await this.nest.close();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
