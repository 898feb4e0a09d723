export type PartStatus = 'up' | 'degraded' | 'down';

/** How a part of the server is. */
export interface PartHealth {
  /** `degraded`: it works, and somebody has to look at it. */
  readonly status: PartStatus;
  /** What was found, in a sentence, whatever the status. */
  readonly detail: string;
  /** What to do, in a sentence or a command; only where the part is not up. */
  readonly remedy?: string;
  /** The figures that it was judged by: sizes in bytes, times in ms, shares from 0 to 1. */
  readonly figures?: Readonly<Record<string, number>>;
}

export interface NamedPart extends PartHealth {
  readonly name: string;
}

/** What the deep check found. */
export interface DeepHealth {
  /** The worst of all parts. */
  readonly status: PartStatus;
  readonly asOf: string;
  readonly parts: readonly NamedPart[];
}

const FROM_BEST: readonly PartStatus[] = ['up', 'degraded', 'down'];

/** The worst of several; of none it is `up`. */
export const worstOf = (statuses: readonly PartStatus[]): PartStatus =>
  FROM_BEST.findLast((status) => statuses.includes(status)) ?? 'up';
