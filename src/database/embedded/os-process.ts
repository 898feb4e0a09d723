import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from './embedded-database.error';

/** A user of the operating system. */
export interface OsUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * How to spawn a program as another user (null: as this one): with that user's rights, from a folder everyone may
 * enter, and without this process's environment, which holds secrets that are none of the program's business.
 */
export function asUser(user: OsUser | null): {
  uid?: number;
  gid?: number;
  cwd?: string;
  env: NodeJS.ProcessEnv;
} {
  if (process.platform === 'win32') return { env: { ...process.env, TZ: 'UTC' } };
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  return user ? { uid: user.uid, gid: user.gid, cwd: '/', env } : { cwd: '/', env };
}

/** Waits until `condition` holds and says whether it did before `timeoutMs` had passed. */
export async function eventually(condition: () => boolean, timeoutMs: number, pollMs = 10): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() >= deadline) return false;
    await delay(pollMs);
  }
  return true;
}

/**
 * Tells a process from every other one that had or will have its number: the same pid with another identity is
 * another process. Null when there is no such process; a zombie, which nobody has buried yet, counts as gone.
 */
export function processIdentity(pid: number): string | null {
  if (process.platform === 'linux') return linuxIdentity(pid);
  if (!isNumberTaken(pid)) return null;
  if (process.platform === 'win32') return 'running';
  const started = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return started.status === 0 ? digest(started.stdout.trim()) : 'running';
}

/** Whether a process of this number runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  return processIdentity(pid) !== null;
}

/** The words of a process's command line, empty when it cannot be read. */
export function commandLine(pid: number): string[] {
  if (process.platform === 'linux') {
    const line = readOrNull(`/proc/${pid}/cmdline`);
    return line === null ? [] : line.split('\0').filter((word) => word !== '');
  }
  if (process.platform === 'win32') return [];
  const line = spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  return line.status === 0 ? line.stdout.trim().split(' ') : [];
}

/**
 * The processes of a user whose working directory is `directory`; none where the system does not tell (Linux does).
 * The question is asked as that user: in a container root may not look into the processes of others.
 */
export function processesWorkingIn(directory: string, user: OsUser | null): number[] {
  if (process.platform !== 'linux') return [];
  const script =
    'for p in /proc/[0-9]*; do [ "$(readlink "$p/cwd")" = "$1" ] && echo "${p#/proc/}"; done 2>/dev/null';
  const listing = spawnSync('/bin/sh', ['-c', script, 'sh', directory], {
    ...asUser(user),
    encoding: 'utf8',
  });
  return listing.stdout.split('\n').filter(Boolean).map(Number).filter(isRunning);
}

function linuxIdentity(pid: number): string | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The second field is the program's name in brackets and may contain spaces and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  if (state === undefined || startTicks === undefined || 'ZX'.includes(state)) return null;
  return `${startTicks}-${bootId()}`; // ticks count from boot, so they may repeat after the next one
}

let knownBootId: string | undefined;

function bootId(): string {
  knownBootId ??= (readOrNull('/proc/sys/kernel/random/boot_id') ?? 'unknown').trim().slice(0, 8);
  return knownBootId;
}

/** Whether the system knows a process of this number, zombies included, which is all that PostgreSQL looks at. */
export function isNumberTaken(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // the process is gone or hidden from this user
  }
}
