import { readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { explained, systemCode } from './embedded-database.error';
import { commandLine, isRunning } from './os-process';

/** What a postmaster writes about itself into `postmaster.pid` of its cluster. */
export interface PostmasterPid {
  readonly pid: number;
  /** Null while the postmaster has not got so far. */
  readonly port: number | null;
  readonly status: PostmasterStatus;
}

export type PostmasterStatus = 'starting' | 'stopping' | 'ready' | 'standby' | 'unknown';

const statuses: readonly string[] = ['starting', 'stopping', 'ready', 'standby'] satisfies PostmasterStatus[];

/** Reads `postmaster.pid`; null when there is none. The file is written in steps, so all but the pid may be missing. */
export function readPostmasterPid(directory: string): PostmasterPid | null {
  const file = postmasterPidFile(directory);
  return explained(`${file} cannot be read`, 'make it readable', () => {
    try {
      return parsePostmasterPid(readFileSync(file, 'utf8'));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null;
      throw error;
    }
  });
}

export function postmasterPidFile(directory: string): string {
  return join(directory, 'postmaster.pid');
}

/**
 * The lines are pid, data directory, start time, port, socket directory, listen address, shared memory key, status
 * (PostgreSQL: src/include/utils/pidfile.h). A stand-alone backend writes its pid as a negative number.
 */
export function parsePostmasterPid(text: string): PostmasterPid {
  const lines = text.split('\n').map((line) => line.trim());
  const status = lines[7] ?? '';
  return {
    pid: Math.abs(Number.parseInt(lines[0] ?? '', 10)) || 0,
    port: Number.parseInt(lines[3] ?? '', 10) || null,
    status: isStatus(status) ? status : 'unknown',
  };
}

/**
 * Whether this pid is a running postmaster of exactly this cluster, and not a process that inherited its number.
 * A postmaster keeps the command line it was started with; Windows does not show it, so there the pid has to do.
 */
export function isPostmasterOf(pid: number, directory: string): boolean {
  if (pid <= 0 || !isRunning(pid)) return false;
  if (process.platform === 'win32') return true;
  const [program = '', ...words] = commandLine(pid);
  if (process.platform === 'linux') return basename(program) === 'postgres' && words.some(names(directory));
  const line = [program, ...words].join(' '); // `ps` joins the words, so spaces in a path cannot be told apart
  return line.includes('postgres') && line.includes(directory);
}

function names(directory: string): (word: string) => boolean {
  return (word) => {
    const path = word.replace(/^(-D|--pgdata=|--data-directory=)/, '');
    return path === directory || (path.startsWith('/') && realPath(path) === realPath(directory));
  };
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

function isStatus(text: string): text is PostmasterStatus {
  return statuses.includes(text);
}
