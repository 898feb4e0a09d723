const OFFERS = 50;
const SOURCES = ['solar', 'wind', 'hydro', 'biomass'] as const;

/** One line of a public list. */
export interface ListedOffer {
  readonly id: string;
  readonly energySource: (typeof SOURCES)[number];
  readonly remainingKwh: string;
  readonly pricePerKwh: string;
  readonly status: 'active';
}

export interface Listing {
  readonly items: readonly ListedOffer[];
  readonly nextCursor: string;
}

/** A page of 50 offers, which takes 7 kB as JSON: what all sides keep and give back. The same every time. */
export function listing(): Listing {
  return { items: Array.from({ length: OFFERS }, (_, number) => offer(number)), nextCursor: 'cGFnZS0y' };
}

function offer(number: number): ListedOffer {
  return {
    id: `01936f2c-7d10-7a44-9c31-${(0x5f00_0000_0000 + number * 7_919).toString(16)}`,
    energySource: SOURCES[number % SOURCES.length] as ListedOffer['energySource'],
    remainingKwh: (12 + number * 0.25).toFixed(3),
    pricePerKwh: (3.1 + number * 0.02).toFixed(4),
    status: 'active',
  };
}
