import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { LockedOut } from './users.errors';

/** Five wrong passwords in a row, none 15 minutes after the one before, lock a name out for 15 minutes. */
const CLAIM = `
  INSERT INTO login_failures (identifier_hash, failures, expires_at) VALUES ($1, 1, now() + interval '15 minutes')
  ON CONFLICT (identifier_hash) DO UPDATE
    SET failures = CASE WHEN login_failures.expires_at <= now() THEN 1 ELSE login_failures.failures + 1 END,
        expires_at = EXCLUDED.expires_at, updated_at = now()
    WHERE login_failures.failures < 5 OR login_failures.expires_at <= now()
  RETURNING failures`;

/**
 * Limits how often a password can be guessed. An attempt counts as a failure before the password is looked
 * at, and is forgiven when it was right: so guesses sent at once, to any number of processes, count like
 * guesses sent one by one. Names without a user are counted and locked like others.
 */
@Injectable()
export class LoginAttempts {
  /** The last attempt of each name in this process: the next one waits for it, lest a right password meet the count of others that are still looked at. */
  private readonly latest = new Map<string, Promise<unknown>>();

  constructor(private readonly database: DatabaseService) {}

  /**
   * Runs an attempt unless what it is counted under is locked.
   * @param key `loginKey` or `accountKey`
   * @param attempt answers undefined for a wrong password
   * @throws LockedOut
   */
  async run<Result>(key: Buffer, attempt: () => Promise<Result | undefined>): Promise<Result | undefined> {
    const name = key.toString('base64');
    const before = this.latest.get(name);
    const mine = (async () => {
      await before?.catch(() => undefined);
      return this.counted(key, attempt);
    })();
    this.latest.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.latest.get(name) === mine) this.latest.delete(name);
    }
  }

  /** Ends what is counted under these keys, lock-outs included. */
  async forgive(tx: Transaction, keys: readonly Buffer[]): Promise<void> {
    await tx.query('DELETE FROM login_failures WHERE identifier_hash = ANY($1::bytea[])', [keys]);
  }

  private async counted<Result>(
    key: Buffer,
    attempt: () => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    const lockedForSeconds = await this.database.transaction((tx) => this.claim(tx, key));
    if (lockedForSeconds !== undefined) throw new LockedOut(lockedForSeconds);
    const result = await attempt();
    if (result !== undefined) await this.database.transaction((tx) => this.forgive(tx, [key]));
    return result;
  }

  /** Counts an attempt. @returns for how long the name is locked, where it is */
  private async claim(tx: Transaction, key: Buffer): Promise<number | undefined> {
    const claimed = await tx.query(CLAIM, [key]);
    if (claimed.length > 0) return undefined;
    const [lock] = await tx.query<{ seconds: number }>(
      `SELECT greatest(1, ceil(extract(epoch FROM expires_at - now())))::integer AS seconds
         FROM login_failures WHERE identifier_hash = $1`,
      [key],
    );
    return lock?.seconds ?? 1;
  }
}
