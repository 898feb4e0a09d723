import { createHash, randomBytes } from 'node:crypto';

/** A token that nobody guesses: 256 random bits, fit for URLs. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** What the database keeps of a secret, or of a name that it should not tell: SHA-256. */
export const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
