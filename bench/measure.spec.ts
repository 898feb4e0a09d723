import {
  figuresOf,
  interleave,
  measureFor,
  pairedRatio,
  percentile,
  ratio,
  Samples,
  type Side,
} from './measure';

describe('a percentile', () => {
  it.each([
    { of: [7], share: 0.5, is: 7 },
    { of: [1, 2, 3], share: 0.5, is: 2 },
    { of: [1, 2, 3, 4], share: 0.5, is: 2.5 },
    { of: [0, 10], share: 0.95, is: 9.5 },
    { of: [1, 2, 3, 4, 5], share: 0, is: 1 },
    { of: [1, 2, 3, 4, 5], share: 1, is: 5 },
  ])('of $of at $share is $is', ({ of, share, is }) => {
    expect(percentile(of, share)).toBeCloseTo(is, 12);
  });

  it('of nothing is no number', () => {
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe('figures', () => {
  it('go by the order of sizes, not of digits or of coming', () => {
    expect(figuresOf([100, 9, 20])).toEqual({ n: 3, p50: 20, p95: 92 });
  });

  it('compare by their p50', () => {
    expect(ratio({ p50: 30 }, { p50: 0.1 })).toBeCloseTo(300, 9);
  });
});

describe('sides that were measured in pairs', () => {
  it('compare turn by turn, so that a machine that slows down in between changes nothing', () => {
    expect(pairedRatio([2, 4, 40, 80, 60], [1, 2, 20, 40, 30])).toBe(2);
  });

  it('compare by the turn in the middle', () => {
    expect(pairedRatio([3, 3, 300], [1, 2, 3])).toBe(3);
  });

  it('are refused when one of them has no partner', () => {
    expect(() => pairedRatio([1, 2], [1])).toThrow('2 and 1 samples are no pairs');
  });
});

describe('sides', () => {
  const recorded = () => {
    const calls: string[] = [];
    const side =
      (name: string): Side =>
      (turn) =>
        Promise.resolve(calls.push(`${name}${turn}`));
    return { calls, side };
  };

  it('are measured in turns, each with questions of its own, and warmed up without being measured', async () => {
    const { calls, side } = recorded();
    const samples = new Samples<'a' | 'b'>();
    const sides = new Map([
      ['a', side('a')],
      ['b', side('b')],
    ] as const);
    await interleave(sides, samples, { rounds: 2, calls: 2, warmUp: 1 });
    expect(calls.join(' ')).toBe('a0 a0 a1 b0 b0 b1 a1 a2 a3 b1 b2 b3');
    expect(samples.figures('a').n).toBe(4);
    expect(samples.figures('b').n).toBe(4);
  });

  it('that are slow are measured at least a few times, however long it takes', async () => {
    const { calls, side } = recorded();
    await measureFor('a', side('a'), new Samples<'a'>(), { milliseconds: 0, atLeast: 3, atMost: 10 });
    expect(calls).toEqual(['a0', 'a1', 'a2']);
  });

  it('that turn out fast are not measured for ever', async () => {
    const { calls, side } = recorded();
    await measureFor('a', side('a'), new Samples<'a'>(), { milliseconds: 60_000, atLeast: 1, atMost: 5 });
    expect(calls).toHaveLength(5);
  });
});
