import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ExplainedError } from '../src/database/explained-error';
import { freePort } from '../src/database/embedded/free-port';

const START_MS = 10_000;
const LOOK_MS = 20;

/** A Redis that keeps nothing on disk. */
export interface ThrowAwayRedis {
  readonly url: string;
  /** SIGSTOP, SIGCONT and SIGKILL: what becomes of those who use it. Does nothing once it has ended. */
  signal(name: NodeJS.Signals): void;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

/**
 * Starts a redis-server of our own on a free port of the loopback interface.
 * @returns undefined where there is no redis-server on PATH
 * @throws ExplainedError when it does not answer
 */
export async function startThrowAwayRedis(): Promise<ThrowAwayRedis | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'gridtokenx-bench-redis-'));
  const port = await freePort();
  const server = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder],
    { stdio: 'ignore' },
  );
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  const atExit = (): void => {
    server.kill('SIGKILL');
    removeFolder();
  };
  process.once('exit', atExit);
  const remove = async (): Promise<void> => {
    process.off('exit', atExit);
    if (isRunning(server)) {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
    removeFolder();
  };
  const [outcome] = await Promise.race([
    once(server, 'spawn').then(() => ['spawned'] as const),
    once(server, 'error').then(() => ['missing'] as const),
  ]).catch(() => ['missing'] as const);
  if (outcome === 'missing') {
    await remove();
    return undefined;
  }
  try {
    await untilAnswers(server, port);
  } catch (error) {
    await remove();
    throw error;
  }
  return { url: `redis://127.0.0.1:${port}`, signal: (name) => void server.kill(name), remove };
}

async function untilAnswers(server: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (!(await accepts(port))) {
    if (!isRunning(server) || performance.now() > deadline)
      throw new ExplainedError(
        'redis-server does not start: set REDIS_URL to a Redis that runs, or take it from PATH',
      );
    await delay(LOOK_MS);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}

const isRunning = ({ pid, exitCode, signalCode }: ChildProcess): boolean =>
  pid !== undefined && exitCode === null && signalCode === null;
