import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CacheEvents } from '../../src/cache/cache-events';
import type { CacheEntry } from '../../src/cache/cache-entry';
import { assembleCache, type CacheParts } from '../../src/cache/cache-parts';
import type { CacheSettings } from '../../src/cache/cache-settings';
import { CacheService } from '../../src/cache/cache.service';
import { NoBus, type InvalidationBus } from '../../src/cache/invalidation-bus';
import { newId } from '../../src/common/id';
import { freePort } from './free-port';

const DEADLINE_MS = 30_000;

/** Waits for something that comes true by itself. */
export async function until(condition: () => unknown, what = 'the condition'): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true within ${DEADLINE_MS} ms`);
    await pause(5);
  }
}

/** A redis-server of a test's own on a free port of loopback. */
export class RedisProcess {
  private child: ChildProcess | undefined;
  private readonly directory = mkdtempSync(join(tmpdir(), 'gridtokenx-redis-'));

  private constructor(
    readonly port: number,
    private readonly options: readonly string[],
  ) {}

  static async start(...options: string[]): Promise<RedisProcess> {
    const server = await RedisProcess.absent(...options);
    await server.start();
    return server;
  }

  /** One that is not there yet. */
  static async absent(...options: string[]): Promise<RedisProcess> {
    return new RedisProcess(await freePort(), options);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const own = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--dir', this.directory];
    this.child = spawn('redis-server', [...own, ...this.options], { stdio: 'ignore' });
    await until(() => answers(this.port), 'redis-server');
  }

  signal(name: NodeJS.Signals): void {
    this.child?.kill(name);
  }

  async kill(): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const connected = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}

/** A cache as one process has it. */
export interface LabCache {
  readonly cache: CacheService;
  readonly parts: CacheParts;
}

const running: CacheService[] = [];

interface LabOptions extends Partial<Omit<CacheSettings, 'redis'>> {
  readonly url?: string;
  readonly bus?: InvalidationBus;
  /** Generous by default: the machine of a test may be busy, and stand still for seconds. */
  readonly commandTimeoutMs?: number;
  readonly maxConnections?: number;
}

/** A cache of its own connections; closed by {@link closeCaches}. */
export function makeCache(options: LabOptions = {}): LabCache {
  const { url, bus = new NoBus(), commandTimeoutMs = 10_000, maxConnections = 2, ...settings } = options;
  const parts = assembleCache(
    {
      defaultTtlSeconds: 300,
      firstTierBytes: 16 * 1024 ** 2,
      maxValueBytes: 1024 ** 2,
      compressAboveBytes: 32 * 1024,
      ...settings,
      redis:
        url === undefined ? undefined : { url, connectTimeoutMs: 2_000, commandTimeoutMs, maxConnections },
    },
    new CacheEvents(),
    bus,
  );
  const cache = new CacheService(parts);
  running.push(cache);
  return { cache, parts };
}

/** The same, connected and listening. */
export async function connectedCache(options: LabOptions = {}): Promise<LabCache> {
  const lab = makeCache(options);
  await until(() => lab.cache.isAnswering(), 'the cache');
  return lab;
}

export async function closeCaches(): Promise<void> {
  await Promise.all(running.splice(0).map((cache) => cache.onApplicationShutdown()));
}

/** An entry that no other test knows. */
export const someEntry = <Value = number>(rest: Partial<CacheEntry<Value>> = {}): CacheEntry<Value> => ({
  key: ['test', newId()],
  ttlSeconds: 60,
  tags: [newId()],
  ...rest,
});

export interface SlowLoad<Value> {
  readonly load: () => Promise<Value>;
  readonly begun: Promise<void>;
  readonly end: (value: Value) => void;
}

/** A load that ends when it is told to. */
export function slowLoad<Value>(): SlowLoad<Value> {
  let end: (value: Value) => void = () => undefined;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const load = () => {
    begin();
    return new Promise<Value>((resolve) => (end = resolve));
  };
  return { load, begun, end: (value) => end(value) };
}
