import { join } from 'node:path';
import type { DatabaseUrls } from '../src/database/database.module';
import { startEmbeddedPostgres, type EmbeddedDatabase } from '../src/database/embedded/embedded-postgres';
import { JobsService } from '../src/jobs/jobs.service';
import { startApp } from './support/app';
import { asOwner } from './support/database';
import { postmasterOf } from './support/embedded-lab';
import { eventually } from './support/eventually';
import { freePort } from './support/free-port';
import { ADMIN, postJson, ServerProcess, temporaryFolder } from './support/server-process';

/** A database server that ends without a word and comes back on its port. */
class Server {
  private constructor(
    private readonly dataDir: string,
    private database: EmbeddedDatabase,
  ) {}

  static async in(folder: string): Promise<Server> {
    const dataDir = join(folder, 'database');
    return new Server(dataDir, await started(dataDir, await freePort()));
  }

  get urls(): DatabaseUrls {
    return { ownerUrl: this.database.ownerUrl, applicationUrl: this.database.appUrl };
  }

  /** "Immediate": all connections break, and the next start recovers as after a crash. */
  async crash(): Promise<void> {
    process.kill(postmasterOf(this.database.directory), 'SIGQUIT');
    await eventually(
      () => this.database.isRunning(),
      (running) => !running,
    );
  }

  async start(): Promise<void> {
    const { port } = this.database;
    await this.database.stop();
    this.database = await started(this.dataDir, port);
  }

  stop(): Promise<void> {
    return this.database.stop();
  }
}

const started = (dataDir: string, port: number) =>
  startEmbeddedPostgres({ dataDir, durable: false, say: () => undefined, port });

interface Outcome {
  readonly name?: string;
  readonly status: number;
  readonly code?: string;
  readonly type: string | null;
  readonly retryAfter: string | null;
}

describe('when the database is restarted', () => {
  const folder = temporaryFolder();
  let database: Server;
  beforeAll(async () => {
    database = await Server.in(folder.path);
  });
  afterAll(async () => {
    await database.stop();
    folder.remove();
  });

  describe('a server under load', () => {
    let server: ServerProcess;
    let url: string;
    let token: string;
    const outcomes: Outcome[] = [];
    let names = 0;

    const poolOf = async () =>
      (
        await asOwner<{ open: number }>(
          database.urls,
          `SELECT count(*)::int AS open FROM pg_stat_activity WHERE application_name = 'gridtokenx'`,
        )
      )[0]?.open ?? 0;
    const readiness = async () => (await fetch(`${url}/health/ready`)).status;
    const ask = async (path: string, name?: string) => {
      const response = await fetch(url + path, {
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(name === undefined ? {} : { method: 'POST', body: JSON.stringify({ name }) }),
      });
      const { code } = (await response.json()) as { code?: string };
      outcomes.push({
        status: response.status,
        type: response.headers.get('content-type'),
        retryAfter: response.headers.get('retry-after'),
        ...(code === undefined ? {} : { code }),
        ...(name === undefined ? {} : { name }),
      });
    };
    const caller = async (isOver: () => boolean) => {
      while (!isOver()) {
        await ask('/api/organizations', `Organisation ${names++}`);
        await ask('/api/trading/trades?limit=1');
      }
    };

    beforeAll(async () => {
      server = new ServerProcess({
        DATABASE_URL: database.urls.applicationUrl,
        RATE_LIMIT_ENABLED: 'false', // what is limited here is the database
        DATABASE_MIGRATION_URL: database.urls.ownerUrl,
        DATA_DIR: join(folder.path, 'server'),
        JWT_SECRET: 'a secret of tests only, 32 characters or more',
        ADMIN_EMAIL: ADMIN.email,
        ADMIN_PASSWORD: ADMIN.password,
      });
      url = await server.ready();
      const login = { identifier: ADMIN.email, password: ADMIN.password };
      token = (await postJson(`${url}/api/auth/login`, login)).accessToken;
    });

    afterAll(() => server.stop());

    it('answers 503 meanwhile and everything afterwards, without a hand', async () => {
      let over = false;
      const load = Promise.all(Array.from({ length: 6 }, () => caller(() => over)));
      const soFar = (status: number) => outcomes.filter((outcome) => outcome.status === status).length;
      await eventually(
        () => soFar(201),
        (done) => done > 20,
      );
      await database.crash();
      await eventually(readiness, (status) => status === 503);
      await database.start();
      await eventually(readiness, (status) => status === 200);
      const before = soFar(201);
      await eventually(
        () => soFar(201),
        (done) => done > before + 20,
      );
      over = true;
      await load;
      expect([...new Set(outcomes.map(({ status }) => status))].sort()).toEqual([200, 201, 503]);
    });

    it('told everybody in the same plain form to come back', () => {
      const refused = outcomes.filter(({ status }) => status === 503);
      for (const { code, type, retryAfter } of refused) {
        expect(['DATABASE_UNAVAILABLE', 'OUTCOME_UNKNOWN']).toContain(code);
        expect(type).toMatch(/^application\/problem\+json/);
        expect(retryAfter).toBe('1');
      }
    });

    it('kept what it confirmed, did nothing twice, and nothing that it refused', async () => {
      const rows = await asOwner<{ name: string }>(database.urls, 'SELECT name FROM organizations');
      const kept = rows.map(({ name }) => name);
      expect(new Set(kept).size).toBe(kept.length);
      for (const { name, status, code } of outcomes) {
        if (name === undefined || code === 'OUTCOME_UNKNOWN') continue;
        expect({ name, kept: kept.includes(name) }).toEqual({ name, kept: status === 201 });
      }
    });

    it('opened its least number of connections again', async () => {
      expect(await eventually(poolOf, (open) => open >= 5)).toBeLessThanOrEqual(20);
    });

    it('said what happened in a few lines, left nothing unhandled, and ends as it should', async () => {
      expect(server.said).not.toMatch(/unhandled/i);
      const told = (sentence: RegExp) => server.said.match(sentence)?.length ?? 0;
      expect(told(/The database does not answer/g)).toBeGreaterThan(0);
      expect(told(/The database does not answer|Connections of the pool were ended/g)).toBeLessThan(10);
      expect(await server.stop()).toBe(0);
    });
  });

  it('finishes a job that was being done, once', async () => {
    const app = await startApp({}, database.urls);
    const jobs = new JobsService(database.urls);
    let runs = 0;
    let finish: () => void = () => undefined;
    const told = new Promise<void>((resolve) => (finish = resolve));
    jobs.declare('test.slow', () => {
      runs += 1;
      return told;
    });
    await jobs.onModuleInit();
    await jobs.onApplicationBootstrap();
    await app.database.transaction((tx) => jobs.enqueue(tx, 'test.slow', {}));
    await eventually(
      () => runs,
      (count) => count === 1,
    );
    await database.crash();
    finish();
    await database.start();
    const state = () =>
      asOwner<{ state: string }>(database.urls, `SELECT state FROM pgboss.job WHERE name = 'test.slow'`);
    await eventually(state, ([job]) => job?.state === 'completed');
    expect(runs).toBe(1);
    await jobs.onApplicationShutdown();
    await app.close();
  });
});
