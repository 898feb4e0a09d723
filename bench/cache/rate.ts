import type { Comparison, Limit, MeasuredSide } from '../finding';
import { interleave, Samples, type Side } from '../measure';

/** Something that is done over and over. */
export interface Work {
  /** How often in one turn: long enough for the clock, short enough for many turns. */
  readonly calls: number;
  /** Does it so often. */
  readonly run: (calls: number) => Promise<unknown>;
}

/** Sides that did their work in turns. */
export class Turns<Name extends string> {
  constructor(
    private readonly works: Readonly<Record<Name, Work>>,
    private readonly samples: Samples<Name>,
  ) {}

  /** How often each side does its work in a second; the median of its turns. */
  sides(): MeasuredSide[] {
    return (Object.keys(this.works) as Name[]).map((side) => ({ side, figure: this.rateOf(side) }));
  }

  /** How much more often one side does it than another one: turn by turn, so it is not quite the quotient of their rates. */
  compare(side: Name, against: Name, limit: Limit): Comparison {
    const perCall = this.samples.pairedRatio(against, side);
    const ratio = (perCall * this.works[side].calls) / this.works[against].calls;
    return { side, against, ratio, limit };
  }

  private rateOf(side: Name): number {
    return (this.works[side].calls * 1_000) / this.samples.figures(side).p50;
  }
}

/** Measures sides in turns; each turn is preceded by an unmeasured one. */
export async function inTurns<Name extends string>(
  works: Readonly<Record<Name, Work>>,
  rounds: number,
): Promise<Turns<Name>> {
  const samples = new Samples<Name>();
  const sides = new Map<Name, Side>(
    (Object.keys(works) as Name[]).map((name) => [name, () => works[name].run(works[name].calls)]),
  );
  await interleave(sides, samples, { rounds, calls: 1, warmUp: 1 });
  return new Turns(works, samples);
}

/** One caller, one call after the other. */
export async function oneByOne(calls: number, call: (turn: number) => Promise<unknown>): Promise<void> {
  for (let turn = 0; turn < calls; turn++) await call(turn);
}

/** So many callers at once, each with its next call as soon as the last one is answered; no two ask for the same. */
export async function atOnce(
  callers: number,
  calls: number,
  call: (turn: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < calls) await call(next++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
}
