import { Inject, Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { IdempotencyService } from '../audit/idempotency.service';
import type { Principal } from '../auth/principal';
import { decodeCursor, pageOf, UUID_SHAPE, type Page, type PageRequest } from '../common/cursor';
import { formatKwh, formatMoney, type Money } from '../common/units';
import { CONFIG, type Config } from '../config/config';
import { DatabaseService } from '../database/database.service';
import { recentKeysFirst } from '../database/recent-months';
import type { Transaction } from '../database/transaction';
import type { IdempotentRequest } from '../http/idempotency-key';
import { AccountInUse } from '../users/users.errors';
import { UsersService } from '../users/users.service';
import { LedgerService } from './ledger.service';
import { move, platformAccount, transfer, userAccount } from './transfer';

export interface BalanceView {
  readonly asset: string;
  readonly available: string;
  readonly reserved: string;
}

export interface EntryView {
  readonly id: string;
  readonly asset: string;
  readonly bucket: string;
  readonly amount: string;
  readonly kind: string;
  readonly reference: string;
  readonly createdAt: Date;
}

export interface DepositView {
  readonly id: string;
  readonly userId: string;
  readonly asset: string;
  readonly amount: string;
  readonly reference: string;
}

interface EntryRow {
  id: string;
  asset: string;
  bucket: string;
  amount: bigint;
  kind: string;
  reference: string;
  created_at: Date;
}

/** Each account's newest entries by its own key, then the newest of them all, and only for those the rest. */
const ENTRIES = `
  SELECT page.id, page.asset, page.bucket, page.amount, t.kind, t.reference, page.created_at
    FROM (SELECT e.id, a.asset, a.bucket, e.amount, e.transfer_id, e.created_at
            FROM ledger_accounts a
           CROSS JOIN LATERAL (
                 SELECT id, transfer_id, amount, created_at FROM ledger_entries
                  WHERE account_id = a.id AND id < $2 AND created_at >= $4 AND created_at < $5
                  ORDER BY id DESC LIMIT $3) e
           WHERE a.user_id = $1 ORDER BY e.id DESC LIMIT $3) page
    JOIN ledger_transfers t ON t.id = page.transfer_id
   ORDER BY page.id DESC`;
const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** kWh for energy, the settlement currency for the rest. */
export const formatAsset = (asset: string, amount: bigint): string =>
  asset.startsWith('energy:') ? formatKwh(amount) : formatMoney(amount);

/** What owners read in the books, and money that comes in. */
@Injectable()
export class LedgerBooksService {
  constructor(
    private readonly database: DatabaseService,
    private readonly ledger: LedgerService,
    private readonly users: UsersService,
    private readonly audit: AuditService,
    private readonly idempotency: IdempotencyService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Each asset that the user ever held, by name. */
  async balances(userId: string): Promise<BalanceView[]> {
    const rows = await this.database.query<{ asset: string; available: bigint; reserved: bigint }>(
      `SELECT asset,
              coalesce(sum(balance) FILTER (WHERE bucket = 'available'), 0)::bigint AS available,
              coalesce(sum(balance) FILTER (WHERE bucket = 'reserved'), 0)::bigint AS reserved
         FROM ledger_accounts WHERE user_id = $1 GROUP BY asset ORDER BY asset`,
      [userId],
    );
    return rows.map(({ asset, available, reserved }) => ({
      asset,
      available: formatAsset(asset, available),
      reserved: formatAsset(asset, reserved),
    }));
  }

  /**
   * What is reserved belongs to something that goes on without its owner; what is available just stays on the
   * books.
   * @throws AccountInUse while an order, offer or withdrawal holds something of the user
   */
  async requireNothingReserved(tx: Transaction, userId: string): Promise<void> {
    const reserved = await tx.query(
      `SELECT asset FROM ledger_accounts WHERE user_id = $1 AND bucket = 'reserved' AND balance > 0`,
      [userId],
    );
    if (reserved.length > 0)
      throw new AccountInUse('open orders, offers or withdrawals', 'cancel or settle them');
  }

  /** Every booking on the user's accounts, newest first. */
  async entries(userId: string, { limit, cursor }: PageRequest): Promise<Page<EntryView>> {
    const [before = LAST] = cursor === undefined ? [] : decodeCursor(cursor, [UUID_SHAPE]);
    const rows = await recentKeysFirst(before, limit + 1, ({ from, to }) =>
      this.database.query<EntryRow>(ENTRIES, [userId, before, limit + 1, from, to]),
    );
    return pageOf(rows, limit, ({ id }) => [id], entryView);
  }

  /**
   * Books money that came in from outside for a user.
   * @throws ReferenceTaken when that reference was booked before
   */
  deposit(
    admin: Principal,
    deposit: { userId: string; amount: Money; reference: string },
    request: IdempotentRequest,
  ): Promise<DepositView> {
    return this.database.transaction((tx) =>
      this.idempotency.once(tx, admin.userId, request, async () => {
        await this.users.requireActive(tx, deposit.userId);
        const asset = this.config.currency;
        const legs = move(
          platformAccount('deposits', asset),
          userAccount(deposit.userId, asset),
          deposit.amount,
        );
        const booking = transfer('deposit', deposit.reference, legs);
        await this.ledger.post(tx, [booking]);
        const view = { id: booking.id, asset, ...deposit, amount: formatMoney(deposit.amount) };
        this.audit.record(tx, admin, {
          action: 'deposit.booked',
          entity: 'ledger_transfers',
          entityId: booking.id,
          after: view,
        });
        return view;
      }),
    );
  }
}

function entryView({ created_at: createdAt, ...row }: EntryRow): EntryView {
  return { ...row, amount: formatAsset(row.asset, row.amount), createdAt };
}
