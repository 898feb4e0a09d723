import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { program, type Binaries } from './binaries';
import type { ClusterPlace } from './cluster-directory';
import { EmbeddedDatabaseError, systemCode } from './embedded-database.error';
import { asUser, eventually, processIdentity } from './os-process';
import { closeStartLog, logSettings, openStartLog, pruneLogs, StartReport } from './postmaster-log';
import { isPostmasterOf, readPostmasterPid } from './postmaster-pid';

/** A postmaster that accepts connections. */
export interface RunningPostmaster {
  readonly pid: number;
  readonly port: number;
}

/** How a launch ended: it runs, or the reason that it gave up. */
export type LaunchOutcome =
  | { readonly kind: 'running'; readonly postmaster: RunningPostmaster }
  | { readonly kind: 'port-taken' | 'old-backends' | 'failed'; readonly reason: string };

const READY_TIMEOUT_MS = 10 * 60_000; // crash recovery replays up to max_wal_size, on slow disks for minutes
const STOP_TIMEOUT_MS = 60_000; // a fast shutdown ends with a checkpoint
const SLOW_MS = 5_000;

/** What the product relies on, whatever the cluster's configuration says. */
const promises = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_preload_libraries: 'pg_stat_statements',
  track_io_timing: 'on',
  timezone: 'UTC',
  ...logSettings,
};

/** Commits still reach the operating system, so they survive everything but its crash. */
const withoutDurability = { fsync: 'off', full_page_writes: 'off' };

/**
 * Starts a postmaster on a port of the loopback interface. It lives in a session of its own, so neither Ctrl-C in
 * the terminal nor the end of this process reaches it.
 * @throws EmbeddedDatabaseError when it is still not ready after ten minutes
 */
export async function launchPostmaster(
  place: ClusterPlace,
  binaries: Binaries,
  port: number,
  options: { startLog: string; durable: boolean; say: (sentence: string) => void },
): Promise<LaunchOutcome> {
  pruneLogs(place.directory);
  const report = new StartReport(place.directory, options.startLog);
  const settings = { ...promises, ...(options.durable ? {} : withoutDurability), port: String(port) };
  const child = spawnDetached(place, binaries, settings, options.startLog);
  const pid = child.pid ?? 0;
  const ending: { why?: string } = {};
  child.on('error', (error) => (ending.why = error.message));
  child.on('exit', (code, signal) => (ending.why ??= `it ended with ${signal ?? `code ${code}`}`));

  const ended = () => ending.why !== undefined;
  if (!(await patiently(() => ended() || isReady(place.directory, pid), options.say)))
    throw tooSlow(place.directory);
  if (ending.why === undefined) return { kind: 'running', postmaster: { pid, port } };
  // The reason goes through the log collector, which may write it a moment after the postmaster has ended.
  await eventually(() => report.isConclusive(), 500);
  return { kind: classify(report.text()), reason: report.reason() ?? ending.why };
}

/**
 * Shuts a postmaster down, rolling back what clients have not committed, and resolves when it has gone; at once when
 * it is not running any more.
 * @throws EmbeddedDatabaseError when it has not gone after a minute
 */
export async function stopPostmaster(place: ClusterPlace, binaries: Binaries, pid: number): Promise<void> {
  const identity = processIdentity(pid);
  if (!isPostmasterOf(pid, place.directory)) return;
  requestFastShutdown(place, binaries, pid);
  if (await eventually(() => processIdentity(pid) !== identity, STOP_TIMEOUT_MS)) return;
  throw new EmbeddedDatabaseError(
    `PostgreSQL (pid ${pid}) in ${place.directory} is still shutting down after a minute: ` +
      'wait until it has gone before you start again.',
  );
}

/** Waits for a postmaster that another process started; false when it ends before it is ready. */
export async function awaitReady(
  directory: string,
  pid: number,
  say: (sentence: string) => void,
): Promise<boolean> {
  const gone = () => !isPostmasterOf(pid, directory) || readPostmasterPid(directory)?.pid !== pid;
  if (!(await patiently(() => isReady(directory, pid) || gone(), say))) throw tooSlow(directory);
  return !gone();
}

function spawnDetached(
  { directory, user }: ClusterPlace,
  binaries: Binaries,
  settings: Record<string, string>,
  startLog: string,
): ChildProcess {
  const words = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = openStartLog(startLog);
  try {
    const child = spawn(program(binaries, 'postgres'), ['-D', directory, ...words], {
      ...asUser(user),
      detached: true,
      stdio: ['ignore', log, log],
      windowsHide: true,
    });
    child.unref();
    return child;
  } finally {
    closeStartLog(log);
  }
}

/** Only the port that a postmaster itself wrote down counts: the file may be one that an earlier one left behind. */
function isReady(directory: string, pid: number): boolean {
  const file = readPostmasterPid(directory);
  return file?.pid === pid && file.status === 'ready';
}

/** Waits up to ten minutes, and says so once when it takes more than a few seconds. */
async function patiently(condition: () => boolean, say: (sentence: string) => void): Promise<boolean> {
  if (await eventually(condition, SLOW_MS)) return true;
  say('PostgreSQL is not ready yet, probably because it recovers from a crash: waiting for it.');
  return eventually(condition, READY_TIMEOUT_MS, 50);
}

function tooSlow(directory: string): EmbeddedDatabaseError {
  return new EmbeddedDatabaseError(
    `PostgreSQL in ${directory} is not ready after ten minutes: it goes on by itself, so start again later, ` +
      `and look into ${directory}/log meanwhile.`,
  );
}

function classify(log: string): Exclude<LaunchOutcome['kind'], 'running'> {
  if (/pre-existing shared memory block/.test(log)) return 'old-backends';
  if (/could not (bind|create any TCP\/IP sockets|create listen socket)/.test(log)) return 'port-taken';
  return 'failed';
}

function requestFastShutdown({ directory, user }: ClusterPlace, binaries: Binaries, pid: number): void {
  if (process.platform === 'win32') {
    const words = ['stop', '-D', directory, '-m', 'fast', '-W'];
    spawnSync(program(binaries, 'pg_ctl'), words, { ...asUser(user), stdio: 'ignore' });
    return;
  }
  try {
    process.kill(pid, 'SIGINT'); // "fast": end the sessions, write a checkpoint
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error; // it went by itself in between
  }
}
