import fc from 'fast-check';
import type { Reading } from './reading';
import { intervalKey, judgeBatch, type BatchOutcome, type HeldReading } from './reading-batch';
import type { MeterFacts } from './reading-rules';

const START = new Date('2026-03-15T11:00:00Z');
const meter: MeterFacts = {
  id: 'm1',
  ownerId: 'o1',
  status: 'verified',
  capacityW: 10_000n,
  intervalMinutes: null,
};
const meters = new Map([['GTX-1', meter]]);

const reading = (changes: Partial<Reading> = {}): Reading => ({
  meterSerial: 'GTX-1',
  intervalStart: START,
  intervalMinutes: 15,
  generatedWh: 100n,
  consumedWh: 50n,
  quality: 'actual',
  ...changes,
});

const held = (changes: Partial<HeldReading> = {}): Map<string, HeldReading> =>
  new Map([
    [
      intervalKey('m1', START),
      { generatedWh: 100n, consumedWh: 50n, quality: 'actual', minted: false, certified: false, ...changes },
    ],
  ]);

const numbered = (readings: readonly Reading[]) =>
  readings.map((one, index) => ({ line: index + 1, reading: one }));

const judge = (readings: readonly Reading[], kept: ReadonlyMap<string, HeldReading> = new Map()) =>
  judgeBatch(numbered(readings), meters, kept);

const countsOf = ({ accepted, duplicates, revised, refusals }: BatchOutcome<MeterFacts>) => ({
  accepted,
  duplicates,
  revised,
  refused: refusals.map(({ line, refusal }) => [line, refusal.code]),
});

describe('a batch of readings', () => {
  it('accepts what is new', () => {
    const outcome = judge([reading()]);
    expect(countsOf(outcome)).toEqual({ accepted: 1, duplicates: 0, revised: 0, refused: [] });
    expect(outcome.fresh).toEqual([{ meter, reading: reading() }]);
    expect(outcome.lengths).toEqual(new Map([['m1', 15]]));
  });

  it('passes over what it has, in the database or in the batch itself', () => {
    expect(countsOf(judge([reading()], held()))).toMatchObject({ accepted: 0, duplicates: 1 });
    expect(countsOf(judge([reading(), reading()]))).toMatchObject({ accepted: 1, duplicates: 1 });
  });

  it('replaces what differs and keeps what was', () => {
    const outcome = judge([reading({ consumedWh: 60n })], held());
    expect(countsOf(outcome)).toMatchObject({ accepted: 0, revised: 1 });
    expect(outcome.replaced).toEqual([{ meter, reading: reading({ consumedWh: 60n }) }]);
    expect(outcome.revisions).toMatchObject([
      { meterId: 'm1', previous: { consumedWh: 50n }, next: { consumedWh: 60n }, outcome: 'replaced' },
    ]);
  });

  it('writes the last figures once when a batch contradicts itself', () => {
    const outcome = judge([reading(), reading({ consumedWh: 60n }), reading({ consumedWh: 70n })]);
    expect(countsOf(outcome)).toMatchObject({ accepted: 1, revised: 2 });
    expect(outcome.fresh).toEqual([{ meter, reading: reading({ consumedWh: 70n }) }]);
    expect(outcome.replaced).toEqual([]);
    expect(outcome.revisions.map(({ previous, next }) => [previous.consumedWh, next.consumedWh])).toEqual([
      [50n, 60n],
      [60n, 70n],
    ]);
  });

  it.each([
    ['minted', 'ALREADY_MINTED'],
    ['certified', 'ALREADY_CERTIFIED'],
  ])('lets the figures of a %s interval stand and keeps the attempt', (state, code) => {
    const outcome = judge([reading({ consumedWh: 60n }), reading()], held({ [state]: true }));
    expect(countsOf(outcome)).toEqual({ accepted: 0, duplicates: 1, revised: 0, refused: [[1, code]] });
    expect(outcome.replaced).toEqual([]);
    expect(outcome.revisions).toMatchObject([{ outcome: 'refused', next: { consumedWh: 60n } }]);
  });

  it('takes the measurement that confirms an estimate, unless the interval is closed', () => {
    expect(countsOf(judge([reading()], held({ quality: 'estimated' })))).toMatchObject({ revised: 1 });
    expect(countsOf(judge([reading()], held({ quality: 'estimated', minted: true })))).toMatchObject({
      duplicates: 1,
    });
  });

  it('settles the interval length by the first reading that is accepted', () => {
    const outcome = judge([
      reading({ intervalMinutes: 30, generatedWh: 90_000n }),
      reading({ intervalMinutes: 15 }),
      reading({ intervalMinutes: 30, intervalStart: new Date('2026-03-15T12:00:00Z') }),
    ]);
    expect(countsOf(outcome)).toMatchObject({
      accepted: 1,
      refused: [
        [1, 'ABOVE_CAPACITY'],
        [3, 'INTERVAL_LENGTH_CHANGED'],
      ],
    });
    expect(outcome.lengths).toEqual(new Map([['m1', 15]]));
  });

  it('knows no meter but those it is given', () => {
    expect(countsOf(judge([reading({ meterSerial: 'GTX-2' })]))).toMatchObject({
      refused: [[1, 'UNKNOWN_METER']],
    });
  });

  it('decides as if every reading were written before the next is looked at', () => {
    const one = fc.record({
      slot: fc.nat(3),
      consumedWh: fc.bigInt(0n, 2n),
      quality: fc.constantFrom('actual' as const, 'estimated' as const),
    });
    const kept = fc.record({
      slot: fc.nat(3),
      consumedWh: fc.bigInt(0n, 2n),
      minted: fc.boolean(),
      certified: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 20 }), fc.array(kept, { maxLength: 3 }), (batch, before) => {
        const at = (slot: number) => new Date(START.getTime() + slot * 900_000);
        const readings = batch.map(({ slot, ...rest }) => reading({ intervalStart: at(slot), ...rest }));
        const store = new Map(
          before.map(({ slot, ...rest }): [string, HeldReading] => [
            intervalKey('m1', at(slot)),
            { generatedWh: 100n, quality: 'actual', ...rest },
          ]),
        );
        expect(countsOf(judge(readings, store))).toEqual(oneByOne(readings, store));
      }),
    );
  });
});

/** The same, a reading at a time, with a store that is written after each. */
function oneByOne(readings: readonly Reading[], before: ReadonlyMap<string, HeldReading>) {
  const store = new Map(before);
  const sum = { accepted: 0, duplicates: 0, revised: 0, refused: [] as unknown[] };
  readings.forEach((one, index) => {
    const outcome = judge([one], store);
    sum.accepted += outcome.accepted;
    sum.duplicates += outcome.duplicates;
    sum.revised += outcome.revised;
    sum.refused.push(...outcome.refusals.map(({ refusal }) => [index + 1, refusal.code]));
    for (const written of [...outcome.fresh, ...outcome.replaced]) {
      const key = intervalKey('m1', written.reading.intervalStart);
      store.set(key, { minted: false, certified: false, ...store.get(key), ...figuresOf(written.reading) });
    }
  });
  return sum;
}

const figuresOf = ({ generatedWh, consumedWh, quality }: Reading) => ({ generatedWh, consumedWh, quality });
