import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/transaction';
import { digest, newSecret } from './secrets';
import type { UserTokenKind } from './user-token.entity';
import { InvalidToken } from './users.errors';

const LIFE: Record<UserTokenKind, string> = { email_verification: '24 hours', password_reset: '1 hour' };

/** Whom a mailed token stands for, and the address it proves to be theirs. */
export interface RedeemedToken {
  readonly userId: string;
  readonly email: string;
}

/** Tokens that are mailed to users and good once. */
@Injectable()
export class UserTokensService {
  /**
   * Makes a token to be mailed; the user's older one of that kind is good no more.
   * @returns undefined when one was sent to that address within the last minute: it is still good, and
   *   nobody's mailbox can be flooded
   */
  async issue(
    tx: Transaction,
    userId: string,
    kind: UserTokenKind,
    email: string,
  ): Promise<string | undefined> {
    const token = newSecret();
    const issued = await tx.query(
      `INSERT INTO user_tokens (user_id, kind, token_hash, email, expires_at)
       VALUES ($1, $2::user_token_kind, $3, $4, now() + $5::interval)
       ON CONFLICT (user_id, kind) DO UPDATE
         SET token_hash = EXCLUDED.token_hash, email = EXCLUDED.email, expires_at = EXCLUDED.expires_at, created_at = now()
         WHERE user_tokens.created_at <= now() - interval '1 minute' OR user_tokens.email <> EXCLUDED.email
       RETURNING user_id`,
      [userId, kind, digest(token), email, LIFE[kind]],
    );
    return issued.length === 0 ? undefined : token;
  }

  /** True while a token is good; to know before the costly part. */
  async isGood(tx: Transaction, kind: UserTokenKind, token: string): Promise<boolean> {
    const found = await tx.query(
      'SELECT user_id FROM user_tokens WHERE token_hash = $1 AND kind = $2::user_token_kind AND expires_at > now()',
      [digest(token), kind],
    );
    return found.length > 0;
  }

  /**
   * Uses a token up: of several attempts at once one succeeds.
   * @throws InvalidToken
   */
  async redeem(tx: Transaction, kind: UserTokenKind, token: string): Promise<RedeemedToken> {
    const [row] = await tx.query<{ user_id: string; email: string }>(
      `DELETE FROM user_tokens WHERE token_hash = $1 AND kind = $2::user_token_kind AND expires_at > now()
       RETURNING user_id, email`,
      [digest(token), kind],
    );
    if (row === undefined) throw new InvalidToken();
    return { userId: row.user_id, email: row.email };
  }

  /** Makes all of a user's tokens of these kinds worthless. */
  async revoke(tx: Transaction, userId: string, kinds: readonly UserTokenKind[]): Promise<void> {
    await tx.query('DELETE FROM user_tokens WHERE user_id = $1 AND kind = ANY($2::user_token_kind[])', [
      userId,
      kinds,
    ]);
  }
}
