import { costOf, reserveFor, wattHours, type Money, type Price, type WattHours } from '../common/units';

/** What matching needs to know of an offer. */
export interface Ask {
  readonly id: string;
  readonly price: Price;
  /** What can still be bought of it. */
  readonly left: WattHours;
}

/** Energy that one ask gives. */
export interface Fill<Offered extends Ask> {
  readonly ask: Offered;
  readonly energy: WattHours;
}

/**
 * Takes energy from asks in the order in which they come, each as far as it goes, until nothing is missing.
 * Only the last fill may leave something of its ask.
 * @param cheapestFirst by price, then by id, so that the earlier of two equal offers sells first
 */
export function* fills<Offered extends Ask>(
  wanted: WattHours,
  cheapestFirst: Iterable<Offered>,
): Generator<Fill<Offered>, void, undefined> {
  let missing: bigint = wanted;
  for (const ask of cheapestFirst) {
    if (missing === 0n) return;
    const energy = wattHours(ask.left < missing ? ask.left : missing);
    missing -= energy;
    yield { ask, energy };
  }
}

/** An order's money while it is matched. */
export interface Reservation {
  readonly missing: WattHours;
  readonly maxPrice: Price;
  readonly reserved: Money;
}

/**
 * What a fill leaves reserved, and what the buyer gets back at once: the difference between the order's limit
 * and the price of the fill, and what rounding up reserved too much.
 *
 * Never negative: ⌈a + b⌉ ≥ ⌈a⌉ + ⌊b⌋, so what was reserved covers the rest and the fill.
 * @throws RangeError when the fill is dearer or larger than what was reserved for
 */
export function afterFill(
  before: Reservation,
  energy: WattHours,
  at: Price,
): Reservation & { readonly givenBack: Money } {
  const missing = wattHours(before.missing - energy);
  const reserved = reserveFor(missing, before.maxPrice);
  const givenBack = before.reserved - costOf(energy, at) - reserved;
  if (givenBack < 0n)
    throw new RangeError(`a fill costs ${-givenBack} micro-units more than its order reserved`);
  return { missing, maxPrice: before.maxPrice, reserved, givenBack: givenBack as Money };
}
