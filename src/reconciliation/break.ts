import { formatKwh, formatMoney } from '../common/units';

/** The name of the built-in check among all that are reconciled. */
export const ENERGY = 'energy';

/** What the built-in check of energy can find. The codes never change. */
export const ENERGY_BREAK_TYPES = [
  'UNMINTED_SURPLUS',
  'MINT_WITHOUT_READINGS',
  'READINGS_MINT_MISMATCH',
  'READING_MARKED_WITHOUT_MINT',
  'MINT_NOT_BOOKED',
  'MINT_BOOKED_DIFFERENTLY',
  'BOOKED_WITHOUT_MINT',
  'SUPPLY_MISMATCH',
  'LEDGER_OUT_OF_BALANCE',
  'ACCOUNT_BALANCE_MISMATCH',
  'REFUSED_REVISION',
  'CERTIFIED_MORE_THAN_GENERATED',
] as const;
export type EnergyBreakType = (typeof ENERGY_BREAK_TYPES)[number];

/** Energy is counted in watt-hours and shown in kWh; money in micro-units of its currency. */
export const KWH = 'kWh';

/** Something that should agree and does not. Amounts are in the smallest unit of `unit`. */
export interface Break {
  readonly type: EnergyBreakType;
  readonly entity: string;
  readonly entityId: string;
  readonly unit: string;
  readonly expected: bigint;
  readonly actual: bigint;
  readonly detail: string;
}

/** The unit that amounts of a ledger asset are shown in. */
export const unitOf = (asset: string): string => (asset.startsWith('energy:') ? KWH : asset);

/** An amount in the smallest unit as a decimal string of the unit. */
export const formatAmount = (amount: bigint, unit: string): string =>
  unit === KWH ? formatKwh(amount) : formatMoney(amount);

/** How many breaks there are of each type; types without any are left out. */
export function countByType(breaks: readonly { readonly type: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of breaks) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}
