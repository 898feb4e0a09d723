import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../config/data-folder';
import { explained } from './embedded-database.error';
import { processIdentity } from './os-process';

/**
 * A file that says "this process does this here", such as `server.4711.93512-3f9a1c20.a1b2c3d4e5f6`: purpose, pid, the
 * process's identity, a token. The name alone tells whether its process still lives, so a claim that kill -9 left
 * behind can be removed by anyone at any time: no other process will ever claim under that name. The file is empty.
 */
export interface ProcessClaim {
  release(): void;
}

/** A claim of a running process, as others see it. */
export interface LiveClaim {
  readonly file: string;
  readonly pid: number;
  /** Whether its process has won the exclusive right, and does not merely ask for it. */
  readonly held: boolean;
}

const CLAIM = /^(?<purpose>[a-z-]+)\.(?<pid>\d+)\.(?<identity>[^.]+)\.[0-9a-f]+$/;
const HELD = '.held';
const SETTLE_MS = 2_000;

/**
 * Publishes a claim of this process, next to which others of the same purpose may stand.
 * @throws EmbeddedDatabaseError when the folder cannot be written
 */
export function publishClaim(folder: string, purpose: string): ProcessClaim {
  return publish(folder, purpose);
}

/**
 * Claims a purpose for this process alone, and answers with the claim or with the process that has it.
 *
 * Everyone publishes first and looks around afterwards, so of two processes at least one sees the other. Who finds a
 * holder, or a rival whose name comes first, gives way. Who comes first itself waits until the rivals it found have
 * given way or turn out to hold; those who come later find it in their turn and leave the decision to it.
 * This needs no lock that could itself be left behind, and no stale file is ever taken from a process that lives.
 * @throws EmbeddedDatabaseError when the folder cannot be written
 */
export function claimExclusively(
  folder: string,
  purpose: string,
): { claim: ProcessClaim; rival?: never } | { claim?: never; rival: LiveClaim } {
  const mine = publish(folder, purpose);
  const deadline = Date.now() + SETTLE_MS;
  let rivals = liveClaims(folder, purpose).filter(({ file }) => file !== mine.file);
  for (;;) {
    const [first] = rivals;
    if (first === undefined) {
      mine.hold();
      return { claim: mine };
    }
    const winner = rivals.find(({ file, held }) => held || file < mine.file);
    if (winner !== undefined || Date.now() > deadline) {
      mine.release();
      return { rival: winner ?? first };
    }
    blockFor(1);
    const found = new Set(rivals.map(({ file }) => file));
    rivals = liveClaims(folder, purpose).filter(({ file }) => found.has(file));
  }
}

/** The claims of running processes; those of processes that ended without a word are removed on the way. */
export function liveClaims(folder: string, purpose: string): LiveClaim[] {
  const names = namesIn(folder);
  return names.flatMap((file) => {
    const claim = CLAIM.exec(file)?.groups;
    if (claim?.['purpose'] !== purpose) return [];
    const pid = Number(claim['pid']);
    if (processIdentity(pid) === claim['identity']) return [{ file, pid, held: names.includes(file + HELD) }];
    remove(folder, file);
    return [];
  });
}

function publish(folder: string, purpose: string) {
  const identity = processIdentity(process.pid) ?? 'running';
  const file = `${purpose}.${process.pid}.${identity}.${randomBytes(6).toString('hex')}`;
  write(folder, file);
  return {
    file,
    hold: () => write(folder, file + HELD),
    release: () => remove(folder, file),
  };
}

function write(folder: string, file: string): void {
  explained(`The folder ${folder} cannot be written`, 'make it writable or choose another DATA_DIR', () => {
    makeFolder(folder);
    writeFileSync(join(folder, file), '', { flag: 'wx', mode: 0o600 });
  });
}

function remove(folder: string, file: string): void {
  rmSync(join(folder, file + HELD), { force: true });
  rmSync(join(folder, file), { force: true });
}

function namesIn(folder: string): string[] {
  return explained(
    `The lock folder ${folder} cannot be read`,
    'make it readable or choose another DATA_DIR',
    () => readdirSync(folder),
  );
}

/** Rivals give way within microseconds, so that millisecond or two is waited out on the spot. */
function blockFor(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
