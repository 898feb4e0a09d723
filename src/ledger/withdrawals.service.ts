import { Inject, Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { IdempotencyService } from '../audit/idempotency.service';
import { seesEverything, type Principal } from '../auth/principal';
import { decodeCursor, pageOf, UUID_SHAPE, type Page, type PageRequest } from '../common/cursor';
import { NotFound } from '../common/domain-error';
import { newId } from '../common/id';
import { formatMoney, type Money } from '../common/units';
import { CONFIG, type Config } from '../config/config';
import { DatabaseService } from '../database/database.service';
import { violatedConstraint } from '../database/query-events';
import type { Transaction } from '../database/transaction';
import type { IdempotentRequest } from '../http/idempotency-key';
import { UsersService } from '../users/users.service';
import { ReferenceTaken, WithdrawalDecided } from './ledger.errors';
import { LedgerService } from './ledger.service';
import { move, platformAccount, release, reserve, transfer, userAccount } from './transfer';
import type { WithdrawalStatus } from './withdrawal.entity';

export interface WithdrawalView {
  readonly id: string;
  readonly userId: string;
  readonly amount: string;
  readonly reference: string;
  readonly status: WithdrawalStatus;
  readonly decidedAt: string | null;
  readonly createdAt: string;
}

interface WithdrawalRow {
  id: string;
  user_id: string;
  amount: bigint;
  reference: string;
  status: WithdrawalStatus;
  decided_at: Date | null;
  created_at: Date;
}

type Decision = 'confirmed' | 'refused';

const COLUMNS = 'id, user_id, amount, reference, status, decided_at, created_at';
/** Literals, so that the indexes over those that are pending serve. */
const PENDING = `AND status = 'pending'`;
const DECIDED = `AND status <> 'pending'`;
const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Money on its way out: reserved when asked for, gone when an admin confirms, given back when refused. */
@Injectable()
export class WithdrawalsService {
  constructor(
    private readonly database: DatabaseService,
    private readonly ledger: LedgerService,
    private readonly audit: AuditService,
    private readonly idempotency: IdempotencyService,
    private readonly users: UsersService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * @throws InsufficientBalance when less is available
   * @throws ReferenceTaken when the owner used the reference before
   */
  request(
    owner: Principal,
    { amount, reference }: { amount: Money; reference: string },
    request: IdempotentRequest,
  ): Promise<WithdrawalView> {
    return this.database.transaction((tx) =>
      this.idempotency.once(tx, owner.userId, request, async () => {
        await this.users.requireActive(tx, owner.userId);
        const row = await this.insert(tx, owner.userId, amount, reference);
        const legs = reserve(owner.userId, this.config.currency, amount);
        await this.ledger.post(tx, [transfer('withdrawal.requested', row.id, legs)]);
        return this.recorded(tx, owner, row, 'withdrawal.requested');
      }),
    );
  }

  /** @throws WithdrawalDecided unless it is pending */
  decide(
    admin: Principal,
    id: string,
    decision: Decision,
    request: IdempotentRequest,
  ): Promise<WithdrawalView> {
    return this.database.transaction((tx) =>
      this.idempotency.once(tx, admin.userId, request, async () => {
        const pending = await this.lockPending(tx, id);
        const asset = this.config.currency;
        const legs =
          decision === 'refused'
            ? release(pending.user_id, asset, pending.amount)
            : move(
                userAccount(pending.user_id, asset, 'reserved'),
                platformAccount('deposits', asset),
                pending.amount,
              );
        await this.ledger.post(tx, [transfer(`withdrawal.${decision}`, id, legs)]);
        const [row] = await tx.query<WithdrawalRow>(
          `UPDATE withdrawals SET status = $2, decided_by = $3, decided_at = now(), updated_at = now()
            WHERE id = $1 RETURNING ${COLUMNS}`,
          [id, decision, admin.userId],
        );
        return this.recorded(tx, admin, row as WithdrawalRow, `withdrawal.${decision}`);
      }),
    );
  }

  /** The owner's own, all or those that are (not) pending, newest first; those who see everything get everybody's pending ones with `pending`. */
  async list(
    principal: Principal,
    { limit, cursor, pending }: PageRequest & { pending?: boolean | undefined },
  ): Promise<Page<WithdrawalView>> {
    const [before = LAST] = cursor === undefined ? [] : decodeCursor(cursor, [UUID_SHAPE]);
    const everybodys = pending === true && seesEverything(principal);
    const values: unknown[] = [before, limit + 1];
    const ofOwner = everybodys ? '' : `AND user_id = $${values.push(principal.userId)}`;
    const ofKind = pending === undefined ? '' : pending ? PENDING : DECIDED;
    const rows = await this.database.query<WithdrawalRow>(
      `SELECT ${COLUMNS} FROM withdrawals WHERE id < $1 ${ofOwner} ${ofKind} ORDER BY id DESC LIMIT $2`,
      values,
    );
    return pageOf(rows, limit, ({ id }) => [id], withdrawalView);
  }

  private async insert(
    tx: Transaction,
    userId: string,
    amount: Money,
    reference: string,
  ): Promise<WithdrawalRow> {
    try {
      const [row] = await tx.query<WithdrawalRow>(
        `INSERT INTO withdrawals (id, user_id, amount, reference) VALUES ($1, $2, $3, $4) RETURNING ${COLUMNS}`,
        [newId(), userId, amount, reference],
      );
      return row as WithdrawalRow;
    } catch (error) {
      if (violatedConstraint(error) !== 'withdrawals_user_id_reference_key') throw error;
      throw new ReferenceTaken(reference);
    }
  }

  private async lockPending(tx: Transaction, id: string): Promise<WithdrawalRow> {
    const [row] = await tx.query<WithdrawalRow>(
      `SELECT ${COLUMNS} FROM withdrawals WHERE id = $1 FOR NO KEY UPDATE`,
      [id],
    );
    if (row === undefined) throw new NotFound('withdrawal');
    if (row.status !== 'pending') throw new WithdrawalDecided(row.status);
    return row;
  }

  private recorded(tx: Transaction, actor: Principal, row: WithdrawalRow, action: string): WithdrawalView {
    const view = withdrawalView(row);
    this.audit.record(tx, actor, { action, entity: 'withdrawals', entityId: row.id, after: { ...view } });
    return view;
  }
}

function withdrawalView(row: WithdrawalRow): WithdrawalView {
  return {
    id: row.id,
    userId: row.user_id,
    amount: formatMoney(row.amount),
    reference: row.reference,
    status: row.status,
    decidedAt: row.decided_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}
