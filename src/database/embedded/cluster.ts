import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Binaries } from './binaries';
import type { ClusterPlace } from './cluster-directory';
import { inDataDir } from './data-dir';
import { EmbeddedDatabaseError, systemReason } from './embedded-database.error';
import { freePort } from './free-port';
import {
  commandLine,
  eventually,
  isNumberTaken,
  isRunning,
  processesWorkingIn,
  type OsUser,
} from './os-process';
import { awaitReady, launchPostmaster, type RunningPostmaster } from './postmaster';
import { isPostmasterOf, postmasterPidFile, readPostmasterPid } from './postmaster-pid';
import { isWrongPassword, prepareRoles } from './roles';
import type { DatabasePasswords } from './secrets';

/** What a start needs to know. */
export interface ClusterStart {
  readonly dataDir: string;
  readonly place: ClusterPlace;
  readonly binaries: Binaries;
  readonly passwords: DatabasePasswords;
  readonly durable: boolean;
  /** Where it has to listen; any free port when undefined. */
  readonly port: number | undefined;
  readonly say: (sentence: string) => void;
}

const PORT_ATTEMPTS = 5;
const ANSWER_TIMEOUT_MS = 10_000;
/** Backends notice within a second that their postmaster was killed, unless they are busy computing. */
const BACKENDS_END_MS = 1_000;
/** A process that is just ending has no command line any more, but still its number. */
const ENDING_MS = 2_000;
const BACKENDS_QUIT_MS = 10_000;

/**
 * Brings a cluster to where both roles can work: takes over the postmaster that runs, or starts one.
 * To be called under the start lock.
 * @throws EmbeddedDatabaseError when neither succeeds
 */
export async function bringUp(start: ClusterStart): Promise<RunningPostmaster & { takenOver: boolean }> {
  const running = await findRunning(start);
  if (running && (await answers(start, running))) return { ...running, takenOver: true };
  const launched = await launch(start);
  if (await answers(start, launched)) return { ...launched, takenOver: false };
  throw new EmbeddedDatabaseError(
    `PostgreSQL in ${start.place.directory} ended right after its start: look into its log directory and try again.`,
  );
}

/** The postmaster of this cluster, as soon as it is ready; null when none runs, and then no lock file is in the way. */
async function findRunning({ place: { directory }, say }: ClusterStart): Promise<RunningPostmaster | null> {
  for (;;) {
    const file = readPostmasterPid(directory);
    if (file === null) return null;
    if (!isPostmasterOf(file.pid, directory)) {
      await clearStaleFile(directory, file.pid, say);
      return null;
    }
    if (!(await awaitReady(directory, file.pid, say))) continue; // it was shutting down or failed: look again
    const port = readPostmasterPid(directory)?.port;
    if (port) return { pid: file.pid, port };
  }
}

/**
 * PostgreSQL itself gets over the file of a process that is gone, and finds the backends that a killed postmaster left
 * by the shared memory it names; but it stops at a number that went to another process, or to a zombie. Without the
 * file it still finds such backends, by the shared memory whose key it derives from the directory.
 */
async function clearStaleFile(
  directory: string,
  pid: number,
  say: (sentence: string) => void,
): Promise<void> {
  await eventually(() => !isRunning(pid) || commandLine(pid).length > 0, ENDING_MS);
  if (!isNumberTaken(pid)) return;
  rmSync(postmasterPidFile(directory), { force: true });
  if (!isRunning(pid)) return;
  say(
    `The lock file in ${directory} named process ${pid}, which is not its PostgreSQL any more: it was removed.`,
  );
}

async function launch(start: ClusterStart): Promise<RunningPostmaster> {
  const { dataDir, place, binaries } = start;
  const options = { startLog: inDataDir.startLog(dataDir), durable: start.durable, say: start.say };
  const backendsDeadline = Date.now() + BACKENDS_END_MS + BACKENDS_QUIT_MS;
  let ports = 0;
  for (;;) {
    const outcome = await launchPostmaster(place, binaries, start.port ?? (await freePort()), options);
    if (outcome.kind === 'running') return outcome.postmaster;
    if (outcome.kind === 'port-taken' && start.port === undefined && ++ports < PORT_ATTEMPTS) continue;
    if (outcome.kind !== 'old-backends') throw failure(place.directory, outcome.reason);
    if (Date.now() >= backendsDeadline) throw backendsRemain(place);
    await hastenBackends(place, backendsDeadline - BACKENDS_QUIT_MS);
  }
}

/**
 * Waits for the backends of a killed postmaster to notice, and after a while tells them to quit, as a postmaster does
 * in an immediate shutdown: nothing committed is lost, the next start recovers it from the write-ahead log.
 */
async function hastenBackends({ directory, user }: ClusterPlace, patienceEnds: number): Promise<void> {
  await delay(50);
  if (Date.now() < patienceEnds) return;
  backendsIn(directory, user).forEach(quit);
}

/** A backend calls itself `postgres: ` and what it does; until it has got so far it has its postmaster's name. */
function backendsIn(directory: string, user: OsUser | null): number[] {
  const isBackend = (pid: number) => /^(.*[/])?postgres(: |$)/.test(commandLine(pid)[0] ?? '');
  return processesWorkingIn(directory, user).filter(isBackend);
}

function quit(pid: number): void {
  try {
    process.kill(pid, 'SIGQUIT');
  } catch {
    return; // it ended by itself, or it is another user's and PostgreSQL's own message will name the trouble
  }
}

/** Whether both roles can log in; false when the postmaster ends while it is asked. */
async function answers(
  { place: { directory }, passwords }: ClusterStart,
  { pid, port }: RunningPostmaster,
): Promise<boolean> {
  const deadline = Date.now() + ANSWER_TIMEOUT_MS;
  for (;;) {
    try {
      await prepareRoles(port, passwords);
      return true;
    } catch (error) {
      if (!isPostmasterOf(pid, directory)) return false;
      if (isWrongPassword(error)) throw wrongPassword(directory, pid);
      if (Date.now() >= deadline) throw unresponsive(directory, pid, error);
      await delay(20);
    }
  }
}

function wrongPassword(directory: string, pid: number): EmbeddedDatabaseError {
  return new EmbeddedDatabaseError(
    `PostgreSQL (pid ${pid}) in ${directory} refuses the passwords of this DATA_DIR: bring back the file ` +
      'database-passwords.json that belongs to it, or choose another DATA_DIR.',
  );
}

function unresponsive(directory: string, pid: number, error: unknown): EmbeddedDatabaseError {
  return new EmbeddedDatabaseError(
    `PostgreSQL (pid ${pid}) in ${directory} runs but cannot be used (${systemReason(error)}): ` +
      'stop it, then start again.',
    { cause: error },
  );
}

function backendsRemain({ directory, user }: ClusterPlace): EmbeddedDatabaseError {
  const pids = backendsIn(directory, user).join(', ');
  return new EmbeddedDatabaseError(
    `Processes of a PostgreSQL that was killed still use ${directory}${pids && ` (pids ${pids})`}: ` +
      'end them, then start again.',
  );
}

function failure(directory: string, reason: string): EmbeddedDatabaseError {
  return new EmbeddedDatabaseError(
    `PostgreSQL cannot be started in ${directory} (${reason}): mend that, then start again.`,
  );
}
