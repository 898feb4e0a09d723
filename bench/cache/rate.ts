import { interleave, Samples, type Side } from '../measure';

/** Something that is done over and over. */
export interface Work {
  /** How often in one turn: long enough for the clock, short enough for many turns. */
  readonly calls: number;
  /** Does it so often. */
  readonly run: (calls: number) => Promise<unknown>;
}

/** How often a side does its work in a second, by its name; the median of its turns. */
export type Rates<Name extends string> = Readonly<Record<Name, number>>;

/** Measures sides in turns; each turn is preceded by an unmeasured one. */
export async function ratesOf<Name extends string>(
  works: Readonly<Record<Name, Work>>,
  rounds: number,
): Promise<Rates<Name>> {
  const names = Object.keys(works) as Name[];
  const samples = new Samples<Name>();
  const sides = new Map<Name, Side>(names.map((name) => [name, () => works[name].run(works[name].calls)]));
  await interleave(sides, samples, { rounds, calls: 1, warmUp: 1 });
  const rate = (name: Name): number => (works[name].calls * 1_000) / samples.figures(name).p50;
  return Object.fromEntries(names.map((name) => [name, rate(name)])) as Rates<Name>;
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
