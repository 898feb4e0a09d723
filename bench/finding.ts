/** A figure and what it is called. */
export interface MeasuredSide {
  readonly side: string;
  readonly figure: number;
}

/** What a figure counts; times are better when small, all others when large. */
export type Unit = 'a second' | 'ms' | 'µs' | 'loads';

/** How one side stands to another, and how it should. */
export interface Comparison {
  readonly side: string;
  readonly against: string;
  /** How many times the other side's figure. */
  readonly ratio: number;
  readonly limit: Limit;
}

export type Limit = { readonly atLeast: number } | { readonly atMost: number };

/** What was measured of one thing. */
export interface Finding {
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
  readonly sides: readonly MeasuredSide[];
  readonly comparisons: readonly Comparison[];
  /** Sentences of what else was promised and not kept. */
  readonly missed?: readonly string[];
}

/** Puts a comparison of two measured sides. */
export function compare<Name extends string>(
  figures: Readonly<Record<Name, number>>,
  side: Name,
  against: Name,
  limit: Limit,
): Comparison {
  return { side, against, ratio: figures[side] / figures[against], limit };
}

export const sidesOf = (figures: Readonly<Record<string, number>>): MeasuredSide[] =>
  Object.entries(figures).map(([side, figure]) => ({ side, figure }));

export const holds = ({ ratio, limit }: Comparison): boolean =>
  'atLeast' in limit ? ratio >= limit.atLeast : ratio <= limit.atMost;

/** A sentence for each promise that was not kept; none when all were. */
export function missedTargets(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ title, unit, comparisons, missed = [] }) => [
    ...comparisons
      .filter((comparison) => !holds(comparison))
      .map((comparison) => sentence(title, unit, comparison)),
    ...missed,
  ]);
}

function sentence(title: string, unit: Unit, { side, against, ratio, limit }: Comparison): string {
  const [word, promised] = 'atLeast' in limit ? ['at least', limit.atLeast] : ['at most', limit.atMost];
  const figure = unit === 'ms' || unit === 'µs' ? 'takes' : 'does';
  return `${title}: ${side} ${figure} ${times(ratio)} of ${against}, not ${word} ${times(promised)}`;
}

/** Two digits after the point below ten. */
export const times = (factor: number): string => `${factor.toFixed(factor < 10 ? 2 : 0)}×`;
