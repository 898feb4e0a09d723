import type { AssetSupply, UnexplainedBalance } from '../ledger/supply.service';
import { energyAsset } from '../ledger/transfer';
import type { MintedOfSource } from '../meters/mint-evidence.service';
import { formatAmount, KWH, unitOf, type Break } from './break';

/** From evidence about the ledger to breaks. Pure. */

const shown = (amount: bigint, asset: string): string =>
  `${formatAmount(amount, unitOf(asset))} ${unitOf(asset)}`;

/** Nothing of an asset is created or lost: its entries sum to zero. */
export function ofEntries({ asset, entriesSum }: AssetSupply): Break | undefined {
  if (entriesSum === 0n) return undefined;
  return {
    type: 'LEDGER_OUT_OF_BALANCE',
    entity: 'ledger_entries',
    entityId: asset,
    unit: unitOf(asset),
    expected: 0n,
    actual: entriesSum,
    detail: `All entries of ${asset} sum to ${shown(entriesSum, asset)} instead of zero`,
  };
}

export function ofBalance({
  accountId,
  asset,
  platform,
  bucket,
  balance,
  entriesSum,
}: UnexplainedBalance): Break {
  const owner = platform === null ? `a user, ${bucket}` : platform;
  return {
    type: 'ACCOUNT_BALANCE_MISMATCH',
    entity: 'ledger_accounts',
    entityId: accountId,
    unit: unitOf(asset),
    expected: entriesSum,
    actual: balance,
    detail: `Account ${accountId} (${owner}) has a balance of ${shown(balance, asset)}, but its entries sum to ${shown(entriesSum, asset)}`,
  };
}

/** Energy in one place of the three: what was minted, what was issued for it, and what users hold. */
export interface EnergySupply {
  readonly asset: string;
  readonly minted: bigint;
  readonly issued: bigint;
  readonly held: bigint;
}

/** Sets beside each other what meters minted and what the ledger says, for each energy asset in either. */
export function energySupply(
  assets: readonly AssetSupply[],
  minted: readonly MintedOfSource[],
): EnergySupply[] {
  const mintedOf = new Map(minted.map(({ source, energyWh }) => [energyAsset(source), energyWh]));
  const booked = new Map(
    assets.filter(({ asset }) => unitOf(asset) === KWH).map((supply) => [supply.asset, supply]),
  );
  return [...new Set([...booked.keys(), ...mintedOf.keys()])].sort().map((asset) => ({
    asset,
    minted: mintedOf.get(asset) ?? 0n,
    issued: booked.get(asset)?.issued ?? 0n,
    held: booked.get(asset)?.held ?? 0n,
  }));
}

/** What was issued must be what was minted, and users must hold it all. */
export function ofSupply({ asset, minted, issued, held }: EnergySupply): Break[] {
  const base = { type: 'SUPPLY_MISMATCH', entity: 'ledger_accounts', entityId: asset, unit: KWH } as const;
  const breaks: Break[] = [];
  if (issued !== minted) {
    breaks.push({
      ...base,
      expected: minted,
      actual: issued,
      detail: `${shown(issued, asset)} of ${asset} were issued, but ${shown(minted, asset)} were minted`,
    });
  }
  if (held !== issued) {
    breaks.push({
      ...base,
      expected: issued,
      actual: held,
      detail: `Users hold ${shown(held, asset)} of ${asset}, but ${shown(issued, asset)} were issued`,
    });
  }
  return breaks;
}
