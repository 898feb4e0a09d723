import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { inDataDir } from './data-dir';
import { EmbeddedDatabaseError, explained } from './embedded-database.error';

/** The passwords of the two database roles, made of characters that need no escaping in a URL. */
export interface DatabasePasswords {
  readonly owner: string;
  readonly app: string;
}

const PASSWORD = /^[A-Za-z0-9_-]{32,128}$/;

/**
 * The passwords of this DATA_DIR; null when none were made yet.
 * @throws EmbeddedDatabaseError when the file cannot be read or is not what was written there
 */
export function readPasswords(dataDir: string): DatabasePasswords | null {
  const file = inDataDir.passwords(dataDir);
  const advice = 'make it readable or bring it back from a backup';
  return explained(`The database passwords in ${file} cannot be read`, advice, () => {
    if (!existsSync(file)) return null;
    const passwords = parse(readFileSync(file, 'utf8'));
    if (passwords) return passwords;
    throw new EmbeddedDatabaseError(
      `The database passwords in ${file} are damaged: bring the file back from a backup.`,
    );
  });
}

/**
 * Generates the passwords and writes them, for this user's eyes only, before any cluster that uses them exists.
 * @throws EmbeddedDatabaseError when the file cannot be written
 */
export function createPasswords(dataDir: string): DatabasePasswords {
  const passwords = { owner: generate(), app: generate() };
  const file = inDataDir.passwords(dataDir);
  explained(
    `The database passwords cannot be written to ${file}`,
    'make room there or choose another DATA_DIR',
    () => writeDurably(file, JSON.stringify(passwords, null, 2) + '\n'),
  );
  return passwords;
}

/** Replaces a file as a whole, readable by its owner only; after a power cut it is the old or the new one. */
function writeDurably(file: string, text: string): void {
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  const handle = openSync(draft, 'wx', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
}

function generate(): string {
  return randomBytes(32).toString('base64url');
}

function parse(text: string): DatabasePasswords | null {
  try {
    const value: unknown = JSON.parse(text);
    return isPasswords(value) ? { owner: value.owner, app: value.app } : null;
  } catch {
    return null;
  }
}

function isPasswords(value: unknown): value is DatabasePasswords {
  if (typeof value !== 'object' || value === null || !('owner' in value) || !('app' in value)) return false;
  return [value.owner, value.app].every((word) => typeof word === 'string' && PASSWORD.test(word));
}
