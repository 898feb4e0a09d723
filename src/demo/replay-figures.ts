import { z } from 'zod';
import type { ApiClient } from './api-client';
import { decimal, pageOf } from './api-values';
import type { BookedDeposit } from './deposits';
import type { Member } from './household-account';

/** What became of one household, as the server says: energy in Wh, money in micro-units. */
export interface HouseholdFigures {
  readonly serial: string;
  readonly name: string;
  readonly generatedWh: bigint;
  readonly consumedWh: bigint;
  readonly surplusWh: bigint;
  readonly mintedWh: bigint;
  readonly soldWh: bigint;
  readonly boughtWh: bigint;
  /** What it paid for what it bought. */
  readonly spent: bigint;
  /** What it got for what it sold, after the market's fee. */
  readonly earned: bigint;
  readonly fees: bigint;
  readonly certifiedWh: bigint;
  readonly deposited: bigint;
  /** What it has now, available and reserved. */
  readonly energyWh: bigint;
  readonly money: bigint;
}

/** The columns of figures that can be summed. */
export type Totals = { readonly [Key in Exclude<keyof HouseholdFigures, 'serial' | 'name'>]: bigint };

const kwh = decimal(3);
const money = decimal(6);

const stats = z.object({ generatedKwh: kwh, consumedKwh: kwh, surplusKwh: kwh, mintedKwh: kwh });
const balances = z.array(z.object({ asset: z.string(), available: z.string(), reserved: z.string() }));
const trade = z.object({
  side: z.enum(['buy', 'sell']),
  quantityKwh: kwh,
  amount: money,
  fee: money.optional(),
});
const certificate = z.object({
  meterId: z.string(),
  status: z.string(),
  energyKwh: kwh,
  period: z.object({ to: z.iso.datetime() }),
});

const trades = pageOf(trade);
const certificates = pageOf(certificate);

/** Asks the server what became of a household. @param booked every deposit, for whomever */
export async function figuresOf(
  { household, userId, meterId, api }: Member,
  booked: readonly BookedDeposit[],
): Promise<HouseholdFigures> {
  const metered = await api.get('/api/meters/stats', stats);
  const held = await holdings(api);
  const traded = await tradedBy(api);
  const certified = await certifiedOf(api, meterId);
  return {
    serial: household.serial,
    name: household.name,
    generatedWh: metered.generatedKwh,
    consumedWh: metered.consumedKwh,
    surplusWh: metered.surplusKwh,
    mintedWh: metered.mintedKwh,
    ...traded,
    certifiedWh: certified.energyWh,
    deposited: booked.filter((one) => one.userId === userId).reduce((sum, { amount }) => sum + amount, 0n),
    ...held,
  };
}

/** What of a meter's generation is certified for the caller, and up to when. */
export async function certifiedOf(
  api: ApiClient,
  meterId: string,
): Promise<{ energyWh: bigint; upTo: string | undefined }> {
  let energyWh = 0n;
  let upTo: string | undefined;
  for await (const some of api.pages('/api/certificates', certificates)) {
    for (const one of some.filter(
      (certified) => certified.meterId === meterId && certified.status !== 'withdrawn',
    )) {
      energyWh += one.energyKwh;
      if (upTo === undefined || one.period.to > upTo) upTo = one.period.to;
    }
  }
  return { energyWh, upTo };
}

/** The sum of each column. */
export function totalsOf(households: readonly HouseholdFigures[]): Totals {
  const sum = (key: keyof Totals): bigint => households.reduce((total, figures) => total + figures[key], 0n);
  return {
    generatedWh: sum('generatedWh'),
    consumedWh: sum('consumedWh'),
    surplusWh: sum('surplusWh'),
    mintedWh: sum('mintedWh'),
    soldWh: sum('soldWh'),
    boughtWh: sum('boughtWh'),
    spent: sum('spent'),
    earned: sum('earned'),
    fees: sum('fees'),
    certifiedWh: sum('certifiedWh'),
    deposited: sum('deposited'),
    energyWh: sum('energyWh'),
    money: sum('money'),
  };
}

/** Whether every household has the energy that it minted or bought and has not sold. */
export const energyIsConserved = (households: readonly HouseholdFigures[]): boolean =>
  households.every(({ mintedWh, boughtWh, soldWh, energyWh }) => mintedWh + boughtWh - soldWh === energyWh);

/** Whether every household has the money that was deposited or that it earned, and has not spent. */
export const moneyIsConserved = (households: readonly HouseholdFigures[]): boolean =>
  households.every(({ deposited, earned, spent, money: held }) => deposited + earned - spent === held);

async function holdings(api: ApiClient): Promise<Pick<HouseholdFigures, 'energyWh' | 'money'>> {
  let energyWh = 0n;
  let held = 0n;
  for (const { asset, available, reserved } of await api.get('/api/ledger/balances', balances)) {
    if (asset.startsWith('energy:')) energyWh += kwh.parse(available) + kwh.parse(reserved);
    else held += money.parse(available) + money.parse(reserved);
  }
  return { energyWh, money: held };
}

type Traded = Pick<HouseholdFigures, 'soldWh' | 'boughtWh' | 'spent' | 'earned' | 'fees'>;

async function tradedBy(api: ApiClient): Promise<Traded> {
  const sums = { soldWh: 0n, boughtWh: 0n, spent: 0n, earned: 0n, fees: 0n };
  for await (const some of api.pages('/api/trading/history', trades)) {
    for (const { side, quantityKwh, amount, fee = 0n } of some) {
      if (side === 'buy') {
        sums.boughtWh += quantityKwh;
        sums.spent += amount;
      } else {
        sums.soldWh += quantityKwh;
        sums.earned += amount - fee;
        sums.fees += fee;
      }
    }
  }
  return sums;
}
