import { accountName, type AccountKey, type Transfer } from '../ledger/transfer';

/** What accounts hold while a batch is worked out, before anything is written. */
export interface Funds {
  /** How much of an amount the account lacks; undefined when it has enough. */
  shortage(account: AccountKey, amount: bigint): bigint | undefined;
  /** Takes a booking into account. */
  apply(booking: Transfer): void;
}

/** Everybody can pay everything: for the rehearsal that only learns which accounts a batch touches. */
export const unlimitedFunds: Funds = {
  shortage: () => undefined,
  apply: () => undefined,
};

/** The balances of locked accounts, by name; bookings on other accounts are of no concern. */
export class LockedFunds implements Funds {
  private readonly balances: Map<string, bigint>;

  constructor(balances: ReadonlyMap<string, bigint>) {
    this.balances = new Map(balances);
  }

  shortage(account: AccountKey, amount: bigint): bigint | undefined {
    const balance = this.balances.get(accountName(account)) ?? 0n;
    return balance < amount ? amount - balance : undefined;
  }

  apply({ legs }: Transfer): void {
    for (const { account, amount } of legs) {
      const name = accountName(account);
      const balance = this.balances.get(name);
      if (balance !== undefined) this.balances.set(name, balance + amount);
    }
  }
}
