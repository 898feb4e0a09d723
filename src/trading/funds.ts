import { accountName, type AccountKey, type Transfer } from '../ledger/transfer';

/** What accounts hold while a batch is worked out, before anything is written. */
export interface Funds {
  /** How much of an amount the account lacks; undefined when it has enough. */
  shortage(account: AccountKey, amount: bigint): bigint | undefined;
  /** Takes a booking into account. */
  apply(booking: Transfer): void;
}

/** For a rehearsal: everybody can pay everything, and every account that is asked or booked is remembered. */
export class TouchedAccounts implements Funds {
  private readonly touched = new Map<string, AccountKey>();

  shortage(account: AccountKey): undefined {
    this.touched.set(accountName(account), account);
  }

  apply({ legs }: Transfer): void {
    for (const { account } of legs) this.touched.set(accountName(account), account);
  }

  get keys(): AccountKey[] {
    return [...this.touched.values()];
  }
}

/** The balances of locked accounts, by name; bookings on other accounts are of no concern. */
export class LockedFunds implements Funds {
  private readonly balances: Map<string, bigint>;

  constructor(balances: ReadonlyMap<string, bigint>) {
    this.balances = new Map(balances);
  }

  /** @throws Error when the account is not locked: what it holds might be spent by somebody else */
  shortage(account: AccountKey, amount: bigint): bigint | undefined {
    const balance = this.balances.get(accountName(account));
    if (balance === undefined) throw new Error(`Account ${accountName(account)} is not locked`);
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
