import type { AssetSupply } from '../ledger/supply.service';
import { countByType } from './break';
import { energySupply, ofBalance, ofEntries, ofSupply } from './ledger-breaks';

const asset = (name: string, figures: Partial<AssetSupply> = {}): AssetSupply => ({
  asset: name,
  issued: 0n,
  held: 0n,
  entriesSum: 0n,
  accounts: 2,
  entries: 2n,
  ...figures,
});

describe('supply', () => {
  it('sets minted, issued and held beside each other for every energy in either book, and no money', () => {
    const assets = [asset('THB', { held: 9n }), asset('energy:solar', { issued: 5n, held: 5n })];
    expect(energySupply(assets, [{ source: 'wind', energyWh: 3n }])).toEqual([
      { asset: 'energy:solar', minted: 0n, issued: 5n, held: 5n },
      { asset: 'energy:wind', minted: 3n, issued: 0n, held: 0n },
    ]);
  });

  it('agrees when all three are the same', () => {
    expect(ofSupply({ asset: 'energy:solar', minted: 5n, issued: 5n, held: 5n })).toEqual([]);
  });

  it('breaks where two that stand side by side differ', () => {
    expect(ofSupply({ asset: 'energy:solar', minted: 4n, issued: 5n, held: 5n })).toMatchObject([
      { type: 'SUPPLY_MISMATCH', entityId: 'energy:solar', expected: 4n, actual: 5n },
    ]);
    expect(ofSupply({ asset: 'energy:solar', minted: 5n, issued: 5n, held: 6n })).toMatchObject([
      { expected: 5n, actual: 6n },
    ]);
    expect(ofSupply({ asset: 'energy:solar', minted: 4n, issued: 5n, held: 6n })).toHaveLength(2);
  });
});

describe('the ledger', () => {
  it('is out of balance by what the entries of an asset sum to', () => {
    expect(ofEntries(asset('THB'))).toBeUndefined();
    expect(ofEntries(asset('THB', { entriesSum: -1_500_000n }))).toMatchObject({
      type: 'LEDGER_OUT_OF_BALANCE',
      unit: 'THB',
      actual: -1_500_000n,
      detail: 'All entries of THB sum to -1.500000 THB instead of zero',
    });
  });

  it('names the account whose balance its entries do not explain', () => {
    const account = { accountId: 'a1', asset: 'energy:solar', bucket: 'reserved', platform: null } as const;
    expect(ofBalance({ ...account, balance: 1_500n, entriesSum: 1_000n })).toMatchObject({
      type: 'ACCOUNT_BALANCE_MISMATCH',
      entityId: 'a1',
      unit: 'kWh',
      expected: 1_000n,
      actual: 1_500n,
      detail: 'Account a1 (a user, reserved) has a balance of 1.500 kWh, but its entries sum to 1.000 kWh',
    });
  });
});

it('breaks are counted by type', () => {
  expect(countByType([{ type: 'A' }, { type: 'B' }, { type: 'A' }])).toEqual({ A: 2, B: 1 });
  expect(countByType([])).toEqual({});
});
