import { randomBytes, randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';

const SECRET = /^[A-Za-z0-9_-]{32,}$/;

/**
 * A secret made on first boot and kept in a file, readable by its owner only. It appears there whole or not at all, and
 * once only, whatever is killed and however many processes start together.
 * @throws the operating system's error; RangeError when the file holds something else
 */
export function generatedSecret(file: string): string {
  if (!existsSync(file)) keepOnce(file, randomBytes(48).toString('base64url'));
  const secret = readFileSync(file, 'utf8').trim();
  if (!SECRET.test(secret))
    throw new RangeError(`the secret in ${file} is damaged, bring it back from a backup or remove it`);
  return secret;
}

function keepOnce(file: string, secret: string): void {
  const draft = `${file}.${randomUUID()}`;
  try {
    const handle = openSync(draft, 'wx', 0o600);
    try {
      writeSync(handle, secret);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    linkSync(draft, file);
  } catch (error) {
    if (!existsSync(file)) throw error; // otherwise another process was first, and its secret counts
  } finally {
    rmSync(draft, { force: true });
  }
}
