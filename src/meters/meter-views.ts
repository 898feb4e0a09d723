import type { EnergySource } from '../common/request-schemas';
import { formatKwh } from '../common/units';
import type { MeterStatus } from './meter-life-cycle';
import type { ChainStatus } from './mint.entity';
import type { ReadingQuality } from './reading';

/** A meter as the API shows it. */
export interface MeterView {
  readonly id: string;
  readonly serial: string;
  readonly ownerId: string;
  readonly zone: string;
  readonly energySource: EnergySource;
  readonly capacityKw: string;
  readonly intervalMinutes: number | null;
  readonly timeZone: string;
  readonly status: MeterStatus;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface MeterRow {
  id: string;
  serial: string;
  owner_id: string;
  zone: string;
  energy_source: EnergySource;
  capacity_w: bigint;
  interval_minutes: number | null;
  time_zone: string;
  status: MeterStatus;
  created_at: Date;
  updated_at: Date;
}

export const METER_COLUMNS =
  'id, serial, owner_id, zone, energy_source, capacity_w, interval_minutes, time_zone, status, created_at, updated_at';

export function meterView(row: MeterRow): MeterView {
  return {
    id: row.id,
    serial: row.serial,
    ownerId: row.owner_id,
    zone: row.zone,
    energySource: row.energy_source,
    capacityKw: formatKwh(row.capacity_w),
    intervalMinutes: row.interval_minutes,
    timeZone: row.time_zone,
    status: row.status,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

/** A reading as the API shows it; energy in integers of Wh, at most 100 000 each. */
export interface ReadingView {
  readonly meterId: string;
  readonly intervalStart: string;
  readonly intervalMinutes: number;
  readonly generatedWh: number;
  readonly consumedWh: number;
  readonly surplusWh: number;
  readonly quality: ReadingQuality;
  readonly userId: string;
  readonly walletAddress: string | null;
  readonly minted: boolean;
  readonly mintId: string | null;
  readonly mintTxSignature: string | null;
  readonly certified: boolean;
}

export interface ReadingRow {
  meter_id: string;
  interval_start: Date;
  interval_minutes: number;
  generated_wh: bigint;
  consumed_wh: bigint;
  surplus_wh: bigint;
  quality: ReadingQuality;
  user_id: string;
  wallet_address: string | null;
  minted: boolean;
  mint_id: string | null;
  mint_tx_signature: string | null;
  certified: boolean;
}

export function readingView(row: ReadingRow): ReadingView {
  return {
    meterId: row.meter_id,
    intervalStart: row.interval_start.toISOString(),
    intervalMinutes: row.interval_minutes,
    generatedWh: Number(row.generated_wh),
    consumedWh: Number(row.consumed_wh),
    surplusWh: Number(row.surplus_wh),
    quality: row.quality,
    userId: row.user_id,
    walletAddress: row.wallet_address,
    minted: row.minted,
    mintId: row.mint_id,
    mintTxSignature: row.mint_tx_signature,
    certified: row.certified,
  };
}

/** What the meters of a user counted, in all and day by day. */
export interface MeterStats {
  readonly userId: string;
  /** The zone whose days byDay counts: that of the user's meters where they share one, else UTC. */
  readonly timeZone: string;
  readonly readings: number;
  readonly generatedKwh: string;
  readonly consumedKwh: string;
  readonly surplusKwh: string;
  readonly mintedKwh: string;
  readonly unmintedKwh: string;
  /** The newest days that have readings, oldest of them first. */
  readonly byDay: readonly DayStats[];
}

export interface DayStats {
  /** `2026-01-31`. */
  readonly day: string;
  readonly generatedKwh: string;
  readonly consumedKwh: string;
  readonly surplusKwh: string;
}

export interface DayRow {
  day: string;
  readings: bigint;
  generated_wh: bigint;
  consumed_wh: bigint;
  surplus_wh: bigint;
  minted_wh: bigint;
}

/** @param days every day that has readings, oldest first */
export function statsView(
  userId: string,
  timeZone: string,
  days: readonly DayRow[],
  daysShown: number,
): MeterStats {
  const total = (of: (day: DayRow) => bigint): bigint => days.reduce((sum, day) => sum + of(day), 0n);
  const surplus = total((day) => day.surplus_wh);
  const minted = total((day) => day.minted_wh);
  return {
    userId,
    timeZone,
    readings: Number(total((day) => day.readings)),
    generatedKwh: formatKwh(total((day) => day.generated_wh)),
    consumedKwh: formatKwh(total((day) => day.consumed_wh)),
    surplusKwh: formatKwh(surplus),
    mintedKwh: formatKwh(minted),
    unmintedKwh: formatKwh(surplus - minted),
    byDay: days
      .slice(-daysShown)
      .map(({ day, generated_wh: generated, consumed_wh: consumed, surplus_wh: left }) => ({
        day,
        generatedKwh: formatKwh(generated),
        consumedKwh: formatKwh(consumed),
        surplusKwh: formatKwh(left),
      })),
  };
}

/** What became of an upload of readings. */
export interface IntakeView {
  readonly accepted: number;
  readonly duplicates: number;
  readonly revised: number;
  readonly rejected: number;
  /** The first hundred, by line. */
  readonly errors: readonly { line: number; code: string; detail: string }[];
}

/** Surplus of one meter that became tokens of its owner. */
export interface MintView {
  readonly id: string;
  readonly meterId: string;
  readonly kwh: string;
  readonly chainStatus: ChainStatus;
}

export interface MintingView {
  readonly mintedKwh: string;
  readonly readings: number;
  readonly mints: readonly MintView[];
}
