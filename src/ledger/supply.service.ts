import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/transaction';
import type { Asset, Bucket } from './transfer';

/** What the books say of one asset as a whole, in its smallest unit. */
export interface AssetSupply {
  readonly asset: Asset;
  /** What the issuance account gave out: its balance with the sign turned. */
  readonly issued: bigint;
  /** What users have, available and reserved. */
  readonly held: bigint;
  /** Sum of all entries; zero when nothing was created or lost. */
  readonly entriesSum: bigint;
  readonly accounts: number;
  readonly entries: bigint;
}

/** An account whose balance is not the sum of its entries. */
export interface UnexplainedBalance {
  readonly accountId: string;
  readonly asset: Asset;
  readonly bucket: Bucket;
  readonly platform: string | null;
  readonly balance: bigint;
  readonly entriesSum: bigint;
}

/** One entry of the booking of a mint. */
export interface MintLeg {
  readonly mintId: string;
  readonly userId: string | null;
  readonly platform: string | null;
  readonly asset: Asset;
  readonly amount: bigint;
}

/** A booking that says it credits a mint. */
export interface MintBooking {
  readonly transferId: string;
  readonly reference: string;
}

/**
 * The ledger's side of reconciliation: supply, balances and the bookings of mints. All of it takes the
 * transaction of whoever compares, so that everything is seen in one snapshot.
 */
@Injectable()
export class SupplyService {
  /** Every asset that there is an account of, by name. */
  assets(tx: Transaction): Promise<AssetSupply[]> {
    return tx.query<AssetSupply>(
      `SELECT a.asset,
              -coalesce(sum(a.balance) FILTER (WHERE a.platform = 'issuance'), 0)::bigint AS issued,
              coalesce(sum(a.balance) FILTER (WHERE a.user_id IS NOT NULL), 0)::bigint AS held,
              coalesce(sum(e.amount), 0)::bigint AS "entriesSum",
              count(*)::integer AS accounts, coalesce(sum(e.entries), 0)::bigint AS entries
         FROM ledger_accounts a
         LEFT JOIN (SELECT account_id, sum(amount) AS amount, count(*) AS entries
                      FROM ledger_entries GROUP BY account_id) e ON e.account_id = a.id
        GROUP BY a.asset ORDER BY a.asset`,
    );
  }

  /** Accounts whose balance is not the sum of their entries. */
  unexplainedBalances(tx: Transaction): Promise<UnexplainedBalance[]> {
    return tx.query<UnexplainedBalance>(
      `SELECT a.id AS "accountId", a.asset, a.bucket, a.platform, a.balance,
              coalesce(e.amount, 0)::bigint AS "entriesSum"
         FROM ledger_accounts a
         LEFT JOIN (SELECT account_id, sum(amount) AS amount FROM ledger_entries GROUP BY account_id) e
                ON e.account_id = a.id
        WHERE a.balance <> coalesce(e.amount, 0) ORDER BY a.id`,
    );
  }

  /** The entries by which these mints were booked; a mint without any was not booked. */
  mintLegs(tx: Transaction, mintIds: readonly string[]): Promise<MintLeg[]> {
    return tx.query<MintLeg>(
      `SELECT t.reference AS "mintId", a.user_id AS "userId", a.platform, a.asset, e.amount
         FROM ledger_transfers t
         JOIN ledger_entries e ON e.transfer_id = t.id
         JOIN ledger_accounts a ON a.id = e.account_id
        WHERE t.kind = 'mint' AND t.reference = ANY($1::text[])`,
      [mintIds],
    );
  }

  /** The next bookings of mints by reference, so that all can be gone through without holding them all. */
  mintBookingsAfter(tx: Transaction, reference: string, limit: number): Promise<MintBooking[]> {
    return tx.query<MintBooking>(
      `SELECT id AS "transferId", reference FROM ledger_transfers
        WHERE kind = 'mint' AND reference > $1 ORDER BY reference LIMIT $2`,
      [reference, limit],
    );
  }
}
