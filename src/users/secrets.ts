import { createHash, randomBytes } from 'node:crypto';

/** A token that nobody guesses: 256 random bits, fit for URLs. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** What the database keeps of a secret, or of a name that it should not tell: SHA-256. */
export const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Under what wrong passwords are counted: a name at log-in, in any case, whether or not somebody has it. */
export const loginKey = (identifier: string): Buffer => digest(`login:${identifier.toLowerCase()}`);

/** The same for somebody who is logged in; apart from log-in, where strangers could lock the owner out. */
export const accountKey = (userId: string): Buffer => digest(`account:${userId}`);

/** Everything that is counted for one user. */
export const keysOf = (user: { id: string; email: string; username: string }): Buffer[] => [
  loginKey(user.email),
  loginKey(user.username),
  accountKey(user.id),
];
