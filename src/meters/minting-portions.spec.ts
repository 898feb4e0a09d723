import fc from 'fast-check';
import { portionsOf } from './minting-portions';

describe('portions of a minting', () => {
  it('hold so many readings, and a large meter alone', () => {
    const candidates = [
      { id: 'a', waiting: 6n },
      { id: 'b', waiting: 4n },
      { id: 'c', waiting: 1n },
      { id: 'd', waiting: 25n },
      { id: 'e', waiting: 2n },
    ];
    expect(portionsOf(candidates, 10)).toEqual([['a', 'b'], ['c'], ['d'], ['e']]);
    expect(portionsOf([], 10)).toEqual([]);
  });

  it('hold every meter once, in order, and never too many readings of several', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(0n, 15n)), (waiting) => {
        const candidates = waiting.map((readings, index) => ({ id: String(index), waiting: readings }));
        const portions = portionsOf(candidates, 10);
        expect(portions.flat()).toEqual(candidates.map(({ id }) => id));
        for (const portion of portions) {
          const readings = portion.reduce((sum, id) => sum + (waiting[Number(id)] ?? 0n), 0n);
          const largest = waiting[Number(portion[0])] ?? 0n;
          expect(readings <= 10n || readings === largest).toBe(true);
        }
      }),
    );
  });
});
