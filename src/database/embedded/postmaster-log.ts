import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { explained } from './embedded-database.error';

/**
 * PostgreSQL keeps its log in `log/` of the cluster, one file per weekday which is begun anew a week later; a start
 * does not begin it anew, so the files of a server that is started now and then are removed here when they are old.
 */
export const logSettings = {
  logging_collector: 'on',
  log_directory: 'log',
  log_filename: 'postgresql-%a.log',
  log_rotation_age: '1d',
  log_rotation_size: '0',
  log_truncate_on_rotation: 'on',
  log_timezone: 'UTC',
};

const LOG_FILE = /^postgresql-[A-Z][a-z]{2}\.log$/;
/** Lines that name a reason; a wrong setting is logged before the FATAL line that it leads to. */
const REASON =
  /(FATAL|PANIC|ERROR|error): |LOG: +(could not|invalid|unrecognized|syntax error)|shared libraries/;
const KEPT_MS = 6 * 24 * 3600 * 1000;
const KEPT_BYTES = 64 * 1024 * 1024;

/** Opens the file that takes what a postmaster says before its own log is open; it holds one start. */
export function openStartLog(file: string): number {
  return explained(`The file ${file} cannot be written`, 'make room there or choose another DATA_DIR', () => {
    rmSync(file, { force: true });
    return openSync(file, 'wx', 0o600);
  });
}

/** Removes logs older than six days or larger than 64 MiB. To be called while no postmaster writes them. */
export function pruneLogs(directory: string): void {
  for (const file of logFiles(directory)) {
    const { mtimeMs, size } = statSync(file);
    if (size > KEPT_BYTES || Date.now() - mtimeMs > KEPT_MS) rmSync(file, { force: true });
  }
}

/** What one start of a postmaster logs: the start log and whatever is added to the cluster's log from now on. */
export class StartReport {
  private readonly before: ReadonlyMap<string, number>;

  constructor(
    private readonly directory: string,
    private readonly startLog: string,
  ) {
    this.before = new Map(logFiles(directory).map((file) => [file, statSync(file).size]));
  }

  text(): string {
    const added = logFiles(this.directory).map((file) =>
      readFileSync(file).subarray(this.before.get(file) ?? 0),
    );
    const first = existsSync(this.startLog) ? readFileSync(this.startLog, 'utf8') : '';
    return first + added.map((part) => part.toString('utf8')).join('');
  }

  /** Whether the postmaster has said why it gave up. */
  isConclusive(): boolean {
    return (
      /(FATAL|PANIC): /.test(this.text()) || this.text().includes('error while loading shared libraries')
    );
  }

  /** Why it gave up, on one line; null when it said nothing. */
  reason(): string | null {
    return reasonIn(this.text());
  }
}

/**
 * The reason that the programs of PostgreSQL give for a failure, on one line: the first errors, from which later ones
 * follow, or the last lines where none is an error; null when there are no lines.
 */
export function reasonIn(text: string): string | null {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => REASON.test(line));
  const said = errors.length > 0 ? errors.slice(0, 3) : lines.slice(-3);
  return said.map(withoutPrefix).join('; ') || null;
}

/** Closes the start log on this side; the postmaster keeps its own handle. */
export function closeStartLog(handle: number): void {
  closeSync(handle);
}

function logFiles(directory: string): string[] {
  const folder = join(directory, 'log');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => LOG_FILE.test(name))
    .map((name) => join(folder, name));
}

/** Drops what begins a line: time and process number in a log, the program's name elsewhere. */
function withoutPrefix(line: string): string {
  return line
    .replace(/^(\d{4}-\d\d-\d\d [\d:.]+ \w+ \[\d+\]|initdb:) /, '')
    .replace(/ {2,}/g, ' ')
    .trim();
}
