import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import bs58 from 'bs58';

/** argon2id with 19 MiB, two passes and one lane: the parameters OWASP's Password Storage Cheat Sheet names. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** The same password typed on another keyboard may arrive composed of other code points. */
const canonical = (password: string): string => password.normalize('NFC');

/** @returns the hash with its salt and parameters, in PHC form */
export const hashPassword = (password: string): Promise<string> => hash(canonical(password), COST);

/** A hash that stands in for the one of a user who does not exist, made when it is first needed. */
let nobodys: Promise<string> | undefined;

/**
 * Compares a password with a hash. Without a hash (there is no such user) it takes just as long and says no,
 * so that the time of an answer does not tell who has an account.
 */
export async function verifyPassword(passwordHash: string | undefined, password: string): Promise<boolean> {
  if (passwordHash?.startsWith('$argon2id$') === true) return verify(passwordHash, canonical(password));
  nobodys ??= hashPassword(randomBytes(16).toString('base64url'));
  await verify(await nobodys, canonical(password));
  return false;
}

/** A password for somebody to copy or type once: 120 random bits in base58, which has no look-alikes. */
export const generatedPassword = (): string => bs58.encode(randomBytes(15));
