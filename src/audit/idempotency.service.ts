import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DomainError } from '../common/domain-error';
import type { Transaction } from '../database/transaction';
import type { IdempotentRequest } from '../http/idempotency-key';

export class IdempotencyKeyReused extends DomainError {
  readonly code = 'IDEMPOTENCY_KEY_REUSED';
  readonly kind = 'conflict';
  constructor() {
    super(
      'This Idempotency-Key was used for another request in the last 24 hours: take a new key for a new request',
    );
  }
}

/**
 * Lets a request that moves energy or money be sent again safely. The key is written in the transaction that
 * it guards: a second request with it waits for the first one's end, then gets the same answer.
 */
@Injectable()
export class IdempotencyService {
  /**
   * Runs `work` once per user and key. Without a key it just runs.
   * @param work answers with what the API shows (JSON only)
   * @throws IdempotencyKeyReused when the key stands for another request
   */
  async once<Answer>(
    tx: Transaction,
    userId: string,
    request: IdempotentRequest,
    work: () => Promise<Answer>,
  ): Promise<Answer> {
    if (request.key === undefined) return work();
    const hash = hashOf(request);
    const claimed = await tx.query(
      `INSERT INTO idempotency_keys (user_id, key, request_hash) VALUES ($1, $2, $3)
       ON CONFLICT (user_id, key) DO UPDATE SET request_hash = EXCLUDED.request_hash, answer = NULL, created_at = now()
         WHERE idempotency_keys.created_at < now() - interval '24 hours'
       RETURNING key`,
      [userId, request.key, hash],
    );
    if (claimed.length === 0) return this.firstAnswer<Answer>(tx, userId, request.key, hash);
    const answer = await work();
    await tx.query('UPDATE idempotency_keys SET answer = $3::jsonb WHERE user_id = $1 AND key = $2', [
      userId,
      request.key,
      JSON.stringify(answer ?? null),
    ]);
    return answer;
  }

  /** Forgets keys older than 24 hours, the oldest first. @returns how many, at most `limit` */
  async forgetOld(tx: Transaction, limit: number): Promise<number> {
    const forgotten = await tx.query(
      `DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM idempotency_keys WHERE created_at < now() - interval '24 hours'
          ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED))
       RETURNING 1 AS forgotten`,
      [limit],
    );
    return forgotten.length;
  }

  private async firstAnswer<Answer>(
    tx: Transaction,
    userId: string,
    key: string,
    hash: string,
  ): Promise<Answer> {
    const [row] = await tx.query<{ request_hash: string; answer: Answer }>(
      'SELECT request_hash, answer FROM idempotency_keys WHERE user_id = $1 AND key = $2',
      [userId, key],
    );
    if (row?.request_hash !== hash) throw new IdempotencyKeyReused();
    return row.answer;
  }
}

function hashOf({ method, path, body }: IdempotentRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([method, path, body]))
    .digest('hex');
}
