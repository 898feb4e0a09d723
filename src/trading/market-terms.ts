import type { EnergySource } from '../common/request-schemas';
import type { Price, WattHours } from '../common/units';

/** How a market finds its prices: order by order, or in one auction per epoch. */
export const MECHANISMS = ['continuous', 'auction'] as const;
export type Mechanism = (typeof MECHANISMS)[number];

export const MARKET_STATUSES = ['open', 'halted'] as const;
export type MarketStatus = (typeof MARKET_STATUSES)[number];

/** What ids of markets look like, such as `solar-auction`. */
export const MARKET_ID_SHAPE = /^[a-z][a-z0-9-]{0,39}$/;

/** The terms on which a market trades. */
export interface MarketTerms {
  readonly id: string;
  readonly mechanism: Mechanism;
  /** What is traded: energy of this source. */
  readonly energySource: EnergySource;
  /** Prices are multiples of it. */
  readonly tick: Price;
  /** Quantities are multiples of it. */
  readonly lotWh: WattHours;
  /** The seller's fee in basis points. */
  readonly feeBps: number;
  readonly status: MarketStatus;
}

/** A tick of 0.001 of the settlement currency per kWh, and a lot of 1 Wh. */
export const DEFAULT_TICK = 1_000n as Price;
export const DEFAULT_LOT = 1n as WattHours;
