import { Injectable } from '@nestjs/common';
import { newId } from '../common/id';
import { violatedConstraint } from '../database/query-events';
import type { Transaction } from '../database/transaction';
import { InsufficientBalance, ReferenceTaken } from './ledger.errors';
import { accountName, type AccountKey, type Transfer } from './transfer';

interface OpenAccount {
  readonly id: string;
  readonly key: AccountKey;
  balance: bigint;
}

interface AccountRow {
  id: string;
  user_id: string | null;
  platform: AccountKey['platform'];
  asset: string;
  bucket: AccountKey['bucket'];
  balance: bigint;
}

const COLUMNS = 'id, user_id, platform, asset, bucket, balance';

/**
 * The double-entry books. Everything that moves energy or money goes through {@link post}, inside the
 * transaction of whatever causes it.
 */
@Injectable()
export class LedgerService {
  /**
   * Books transfers in the given order, set-wise: one statement each to open accounts, lock them, write
   * balances, transfers and entries, however many transfers there are.
   *
   * Accounts are locked in the order of their keys, so that two postings never wait for each other in a
   * circle; call it once per transaction with everything there is to book.
   * @throws InsufficientBalance when a transfer would take a user's account below zero
   * @throws ReferenceTaken when a deposit's reference is booked already
   */
  async post(tx: Transaction, transfers: readonly Transfer[]): Promise<void> {
    const booked = transfers.filter(({ legs }) => legs.length > 0);
    if (booked.length === 0) return;
    const accounts = await this.open(tx, booked);
    for (const { legs } of booked) {
      for (const { account, amount } of legs) this.add(accounts, account, amount);
      for (const { account, amount } of legs) this.refuseOverdraft(accounts, account, amount);
    }
    await this.writeTransfers(tx, booked);
    await this.writeEntries(tx, booked, accounts);
    await this.writeBalances(tx, accounts);
  }

  /**
   * What users have available of an asset, their accounts locked against others until the transaction ends.
   * For those who must know before they decide what to book.
   */
  async lockAvailable(tx: Transaction, keys: readonly AccountKey[]): Promise<Map<string, bigint>> {
    const accounts = await this.lock(tx, unique(keys));
    return new Map(keys.map((key) => [accountName(key), accounts.get(accountName(key))?.balance ?? 0n]));
  }

  private add(accounts: Map<string, OpenAccount>, key: AccountKey, amount: bigint): void {
    const account = accounts.get(accountName(key));
    if (account === undefined) throw new Error(`Account ${accountName(key)} was not opened`);
    account.balance += amount;
  }

  private refuseOverdraft(accounts: Map<string, OpenAccount>, key: AccountKey, amount: bigint): void {
    const balance = accounts.get(accountName(key))?.balance ?? 0n;
    if (key.userId === null || balance >= 0n) return;
    throw new InsufficientBalance(key.userId, key.asset, -amount, balance - amount);
  }

  /** Locks the accounts of all legs; those that do not exist are opened first, in one order for all who open some. */
  private async open(tx: Transaction, transfers: readonly Transfer[]): Promise<Map<string, OpenAccount>> {
    const keys = unique(transfers.flatMap(({ legs }) => legs.map(({ account }) => account)));
    const found = await this.lock(tx, keys);
    const missing = keys.filter((key) => !found.has(accountName(key))).sort(byName);
    if (missing.length === 0) return found;
    await tx.query(
      `INSERT INTO ledger_accounts (id, user_id, platform, asset, bucket)
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::ledger_bucket[])
       ON CONFLICT DO NOTHING`,
      [missing.map(() => newId()), ...columnsOf(missing)],
    );
    for (const [name, account] of await this.lock(tx, missing)) found.set(name, account);
    return found;
  }

  /**
   * Each half of the union goes by its own unique index; an OR of both would read every account there is. The ids
   * are gathered into an array first: as a join, a row that somebody else changes while we wait for it is joined
   * again with what was there before, and lost.
   */
  private async lock(tx: Transaction, keys: readonly AccountKey[]): Promise<Map<string, OpenAccount>> {
    const rows = await tx.query<AccountRow>(
      `SELECT ${COLUMNS} FROM ledger_accounts
        WHERE id = ANY (ARRAY(
                SELECT id FROM unnest($1::uuid[], $3::text[], $4::ledger_bucket[]) AS u(user_id, asset, bucket)
                  JOIN ledger_accounts USING (user_id, asset, bucket)
                 UNION ALL
                SELECT id FROM unnest($2::text[], $3::text[], $4::ledger_bucket[]) AS p(platform, asset, bucket)
                  JOIN ledger_accounts USING (platform, asset, bucket)))
        ORDER BY id FOR NO KEY UPDATE`,
      columnsOf(keys),
    );
    return new Map(
      rows.map(({ id, user_id: userId, platform, asset, bucket, balance }) => {
        const key: AccountKey = { userId, platform, asset, bucket };
        return [accountName(key), { id, key, balance }];
      }),
    );
  }

  private async writeTransfers(tx: Transaction, transfers: readonly Transfer[]): Promise<void> {
    try {
      await tx.query(
        `INSERT INTO ledger_transfers (id, kind, reference) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])`,
        [
          transfers.map(({ id }) => id),
          transfers.map(({ kind }) => kind),
          transfers.map(({ reference }) => reference),
        ],
      );
    } catch (error) {
      if (violatedConstraint(error) !== 'ledger_transfers_deposit_reference') throw error;
      throw new ReferenceTaken(transfers.map(({ reference }) => reference).join(', '));
    }
  }

  private async writeEntries(
    tx: Transaction,
    transfers: readonly Transfer[],
    accounts: ReadonlyMap<string, OpenAccount>,
  ): Promise<void> {
    const entries = transfers.flatMap(({ id, legs }) =>
      legs.map(({ account, amount }) => ({
        transferId: id,
        accountId: accounts.get(accountName(account))?.id,
        amount,
      })),
    );
    await tx.query(
      `INSERT INTO ledger_entries (account_id, id, transfer_id, amount, created_at)
       SELECT account_id, id, transfer_id, amount, $5::timestamptz
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) AS e(account_id, id, transfer_id, amount)`,
      [
        entries.map(({ accountId }) => accountId),
        entries.map(() => newId()),
        entries.map(({ transferId }) => transferId),
        entries.map(({ amount }) => amount),
        new Date(),
      ],
    );
  }

  private async writeBalances(tx: Transaction, accounts: ReadonlyMap<string, OpenAccount>): Promise<void> {
    const list = [...accounts.values()];
    await tx.query(
      `UPDATE ledger_accounts a SET balance = b.balance, updated_at = now()
         FROM unnest($1::uuid[], $2::bigint[]) AS b(id, balance) WHERE a.id = b.id`,
      [list.map(({ id }) => id), list.map(({ balance }) => balance)],
    );
  }
}

function unique(keys: readonly AccountKey[]): AccountKey[] {
  return [...new Map(keys.map((key) => [accountName(key), key])).values()];
}

function byName(a: AccountKey, b: AccountKey): number {
  return accountName(a) < accountName(b) ? -1 : 1;
}

function columnsOf(keys: readonly AccountKey[]): unknown[] {
  return [
    keys.map(({ userId }) => userId),
    keys.map(({ platform }) => platform),
    keys.map(({ asset }) => asset),
    keys.map(({ bucket }) => bucket),
  ];
}
