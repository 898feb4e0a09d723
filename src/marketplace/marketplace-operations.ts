import { Injectable } from '@nestjs/common';
import { InjectMetric, makeCounterProvider } from '@willsoto/nestjs-prometheus';
import type { Counter } from 'prom-client';
import { IdempotencyService } from '../audit/idempotency.service';
import type { Principal } from '../auth/principal';
import { DomainError } from '../common/domain-error';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import type { IdempotentRequest } from '../http/idempotency-key';
import { UsersService } from '../users/users.service';

const OPERATIONS_TOTAL = 'marketplace_operations_total';

export const operationsCounter = makeCounterProvider({
  name: OPERATIONS_TOTAL,
  help: 'What participants did in the marketplace, by operation and result (done, refused, failed)',
  labelNames: ['operation', 'result'],
});

export type Operation =
  | 'list_offer'
  | 'cancel_offer'
  | 'purchase'
  | 'place_order'
  | 'match_order'
  | 'cancel_order'
  | 'cancel_transaction';

/** How everything that moves energy or money in the marketplace runs: in one transaction, once, and counted. */
@Injectable()
export class MarketplaceOperations {
  constructor(
    private readonly database: DatabaseService,
    private readonly idempotency: IdempotencyService,
    private readonly users: UsersService,
    @InjectMetric(OPERATIONS_TOTAL) private readonly total: Counter<'operation' | 'result'>,
  ) {}

  /**
   * Runs `work` in one transaction, once per Idempotency-Key.
   * @param work answers with what the API shows (JSON only)
   * @throws IdempotencyKeyReused when the key stands for another request
   */
  async run<Answer>(
    operation: Operation,
    principal: Principal,
    request: IdempotentRequest,
    work: (tx: Transaction) => Promise<Answer>,
  ): Promise<Answer> {
    try {
      const answer = await this.database.transaction((tx) =>
        this.idempotency.once(tx, principal.userId, request, async () => {
          // Held until the commit: an account that is being closed must not come to hold something new.
          await this.users.requireActive(tx, principal.userId);
          return work(tx);
        }),
      );
      this.total.inc({ operation, result: 'done' });
      return answer;
    } catch (error) {
      this.total.inc({ operation, result: error instanceof DomainError ? 'refused' : 'failed' });
      throw error;
    }
  }
}
