/** What a side took, in milliseconds. */
export interface Figures {
  /** How often it was measured. */
  readonly n: number;
  readonly p50: number;
  readonly p95: number;
}

/** One thing to measure; `turn` counts its calls, so that each can ask for something else. */
export type Side = (turn: number) => Promise<unknown>;

/** Measurements of sides, in milliseconds, by name. */
export class Samples<Name extends string> {
  private readonly taken = new Map<Name, number[]>();
  private readonly turns = new Map<Name, number>();

  /** Runs a side and keeps how long it took. */
  async take(name: Name, side: Side): Promise<number> {
    const turn = this.turns.get(name) ?? 0;
    this.turns.set(name, turn + 1);
    const started = performance.now();
    await side(turn);
    const took = performance.now() - started;
    const samples = this.taken.get(name);
    if (samples === undefined) this.taken.set(name, [took]);
    else samples.push(took);
    return took;
  }

  figures(name: Name): Figures {
    return figuresOf(this.taken.get(name) ?? []);
  }

  /** How often `less` goes into `more`, as {@link pairedRatio} has it; for sides that were measured in turns. */
  pairedRatio(more: Name, less: Name): number {
    return pairedRatio(this.taken.get(more) ?? [], this.taken.get(less) ?? []);
  }
}

/** How much of a side is measured before the next one has its turn. */
export interface Interleaving {
  /** How often each side has its turn. */
  readonly rounds: number;
  /** Calls of a turn that are measured. */
  readonly calls: number;
  /** Calls of a turn that are not, so that no side pays for what the one before left behind. */
  readonly warmUp: number;
}

/**
 * Measures sides in turns (a, b, c, a, b, c …), so that whatever else the machine does at a time meets all of
 * them: their ratios hold even where their figures do not.
 */
export async function interleave<Name extends string>(
  sides: ReadonlyMap<Name, Side>,
  samples: Samples<Name>,
  { rounds, calls, warmUp }: Interleaving,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const [name, side] of sides) {
      for (let call = 0; call < warmUp; call++) await side(round * warmUp + call);
      for (let call = 0; call < calls; call++) await samples.take(name, side);
    }
  }
}

/**
 * Measures a slow side until its time is up, and at least a few times.
 * @returns nothing; a call that has begun is not cut short
 */
export async function measureFor<Name extends string>(
  name: Name,
  side: Side,
  samples: Samples<Name>,
  { milliseconds, atLeast, atMost }: { milliseconds: number; atLeast: number; atMost: number },
): Promise<void> {
  let spent = 0;
  for (let call = 0; call < atMost && (call < atLeast || spent < milliseconds); call++)
    spent += await samples.take(name, side);
}

export function figuresOf(samples: readonly number[]): Figures {
  const sorted = Float64Array.from(samples).sort();
  return { n: sorted.length, p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95) };
}

/**
 * The value that this share of all does not exceed, between neighbours in proportion (as PostgreSQL's percentile_cont
 * has it). NaN of none.
 * @param sorted ascending
 */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? NaN;
  const above = sorted[Math.ceil(place)] ?? NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * How often the samples of one side go into those of another: the median of what it was in each turn. A machine whose
 * speed changes in between meets both sides of a turn alike, while the medians of the sides may be of different moments.
 * @param more and `less`, by turns
 * @throws RangeError unless each turn has a sample of both
 */
export function pairedRatio(more: readonly number[], less: readonly number[]): number {
  if (more.length !== less.length)
    throw new RangeError(`${more.length} and ${less.length} samples are no pairs`);
  return figuresOf(more.map((sample, turn) => sample / (less[turn] as number))).p50;
}

/** How often one figure goes into another. */
export const ratio = (more: Pick<Figures, 'p50'>, less: Pick<Figures, 'p50'>): number => more.p50 / less.p50;
