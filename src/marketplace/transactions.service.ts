import { Inject, Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { seesEverything, type Principal } from '../auth/principal';
import { decodeCursor, pageOf, UUID_SHAPE, type Page, type PageRequest } from '../common/cursor';
import { NotFound } from '../common/domain-error';
import { CONFIG, type Config } from '../config/config';
import { DatabaseService } from '../database/database.service';
import type { Statement } from '../database/statement';
import type { Transaction } from '../database/transaction';
import type { IdempotentRequest } from '../http/idempotency-key';
import { LedgerService } from '../ledger/ledger.service';
import { energyAsset, release, transfer } from '../ledger/transfer';
import { transactionView, type TransactionRow, type TransactionView } from './energy-transaction';
import { mayBecome, transactionLifeCycle, type TransactionStatus } from './life-cycle';
import { TransactionNotPending, TransactionSettled } from './marketplace.errors';
import { MarketplaceOperations } from './marketplace-operations';
import { participantAsked } from './participant';
import type { Sale } from './sale';

export interface TransactionsFilter extends PageRequest {
  /** Only what was bought, or only what was sold; both without it. */
  readonly role?: 'buyer' | 'seller' | undefined;
  readonly status?: TransactionStatus | undefined;
  /** Somebody else's, for those who see everything. */
  readonly userId?: string | undefined;
}

const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const COLUMNS =
  'id, offer_id, order_id, seller_id, buyer_id, energy_source, amount_wh, price, total, fee, status, settled_at, ' +
  'blockchain_tx_signature, created_at';

/** Nearly all are completed: those of another status have small indexes of their own, which are named literally. */
const OF_STATUS = {
  any: '',
  completed: `AND status = 'completed'`,
  other: `AND status <> 'completed' AND status = $4`,
};

const partyPage = (column: 'buyer_id' | 'seller_id', ofStatus: string): string =>
  `(SELECT ${COLUMNS} FROM energy_transactions
     WHERE ${column} = $1 AND id < $2 ${ofStatus} ORDER BY id DESC LIMIT $3)`;

/** One page per party and their merge: each branch reads an index backwards and stops. */
const pagesOf = (ofStatus: string) => ({
  buyer: partyPage('buyer_id', ofStatus),
  seller: partyPage('seller_id', ofStatus),
  both: `${partyPage('buyer_id', ofStatus)} UNION ALL ${partyPage('seller_id', ofStatus)} ORDER BY id DESC LIMIT $3`,
});
const PAGES = {
  any: pagesOf(OF_STATUS.any),
  completed: pagesOf(OF_STATUS.completed),
  other: pagesOf(OF_STATUS.other),
};

/** What was sold to whom: written by purchases and matching, read by its participants. */
@Injectable()
export class TransactionsService {
  constructor(
    private readonly database: DatabaseService,
    private readonly operations: MarketplaceOperations,
    private readonly ledger: LedgerService,
    private readonly audit: AuditService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Writes sales as settled transactions and takes their energy out of their offers, whose rows the caller has
   * locked; an offer with nothing left is sold. At most one sale per offer. Booking them is the caller's.
   */
  async settle(tx: Transaction, principal: Principal, sales: readonly Sale[]): Promise<TransactionView[]> {
    await this.takeFromOffers(tx, sales);
    const rows = await this.insert(tx, sales);
    return sales.map((sale) => {
      const view = transactionView(rows.get(sale.id) as TransactionRow);
      this.audit.record(tx, principal, {
        action: 'offer.purchased',
        entity: 'energy_transactions',
        entityId: sale.id,
        after: { ...view },
      });
      return view;
    });
  }

  /**
   * What somebody bought and sold, newest first.
   * @throws NotFound when a participant asks for somebody else's
   */
  async list(principal: Principal, { userId, ...page }: TransactionsFilter): Promise<Page<TransactionView>> {
    const { text, values } = transactionsPage(participantAsked(principal, userId), page);
    const rows = await this.database.query<TransactionRow>(text, values);
    return pageOf(rows, page.limit, ({ id }) => [id], transactionView);
  }

  /**
   * A transaction, for its participants and those who see everything.
   * @throws NotFound
   */
  async get(principal: Principal, id: string): Promise<TransactionView> {
    const [row] = await this.database.query<TransactionRow>(
      `SELECT ${COLUMNS} FROM energy_transactions WHERE id = $1`,
      [id],
    );
    if (row === undefined || !(seesEverything(principal) || isParty(principal, row)))
      throw new NotFound('transaction');
    return transactionView(row);
  }

  /**
   * Calls off a transaction that still waits: seller and buyer get back what it holds reserved.
   * @throws NotFound when the caller is no party to it
   * @throws TransactionSettled, TransactionNotPending
   */
  cancel(principal: Principal, id: string, request: IdempotentRequest): Promise<TransactionView> {
    return this.operations.run('cancel_transaction', principal, request, async (tx) => {
      const row = await this.lock(tx, id);
      if (!isParty(principal, row)) throw new NotFound('transaction');
      if (row.status === 'completed') throw new TransactionSettled();
      if (!mayBecome(transactionLifeCycle, row.status, 'cancelled'))
        throw new TransactionNotPending(row.status);
      await tx.query(
        `UPDATE energy_transactions SET status = 'cancelled', updated_at = now() WHERE id = $1`,
        [id],
      );
      const legs = [
        ...release(row.buyer_id, this.config.currency, row.total),
        ...release(row.seller_id, energyAsset(row.energy_source), row.amount_wh),
      ];
      await this.ledger.post(tx, [transfer('transaction.cancelled', id, legs)]);
      const view = transactionView({ ...row, status: 'cancelled' });
      this.audit.record(tx, principal, {
        action: 'transaction.cancelled',
        entity: 'energy_transactions',
        entityId: id,
        before: { ...transactionView(row) },
        after: { ...view },
      });
      return view;
    });
  }

  private async lock(tx: Transaction, id: string): Promise<TransactionRow> {
    const [row] = await tx.query<TransactionRow>(
      `SELECT ${COLUMNS} FROM energy_transactions WHERE id = $1 FOR NO KEY UPDATE`,
      [id],
    );
    if (row === undefined) throw new NotFound('transaction');
    return row;
  }

  private async takeFromOffers(tx: Transaction, sales: readonly Sale[]): Promise<void> {
    await tx.query(
      `UPDATE energy_offers o
          SET remaining_wh = o.remaining_wh - s.energy_wh,
              status = CASE WHEN o.remaining_wh = s.energy_wh THEN 'sold' ELSE o.status END,
              updated_at = now()
         FROM unnest($1::uuid[], $2::bigint[]) AS s(offer_id, energy_wh) WHERE o.id = s.offer_id`,
      [sales.map(({ offerId }) => offerId), sales.map(({ energy }) => energy)],
    );
  }

  private async insert(tx: Transaction, sales: readonly Sale[]): Promise<Map<string, TransactionRow>> {
    const rows = await tx.query<TransactionRow>(
      `INSERT INTO energy_transactions
         (id, offer_id, order_id, seller_id, buyer_id, energy_source, amount_wh, price, total, fee, status, settled_at)
       SELECT s.*, 'completed', now()
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::energy_source[], $7::bigint[], $8::bigint[],
                     $9::bigint[], $10::bigint[]) AS s
       RETURNING ${COLUMNS}`,
      [
        sales.map(({ id }) => id),
        sales.map(({ offerId }) => offerId),
        sales.map(({ orderId }) => orderId),
        sales.map(({ sellerId }) => sellerId),
        sales.map(({ buyerId }) => buyerId),
        sales.map(({ energySource }) => energySource),
        sales.map(({ energy }) => energy),
        sales.map(({ price }) => price),
        sales.map(({ total }) => total),
        sales.map(({ fee }) => fee),
      ],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }
}

/** One page of what somebody bought and sold, newest first, and one row more where there are more. */
export function transactionsPage(
  party: string,
  { role, status, limit, cursor }: Omit<TransactionsFilter, 'userId'>,
): Statement {
  const [before = LAST_ID] = cursor === undefined ? [] : decodeCursor(cursor, [UUID_SHAPE]);
  const values = [party, before, limit + 1];
  const parties = role ?? 'both';
  if (status === undefined) return { text: PAGES.any[parties], values };
  if (status === 'completed') return { text: PAGES.completed[parties], values };
  return { text: PAGES.other[parties], values: [...values, status] };
}

const isParty = ({ userId }: Principal, row: TransactionRow): boolean =>
  row.seller_id === userId || row.buyer_id === userId;
