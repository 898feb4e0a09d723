import fc from 'fast-check';
import type { Reading } from './reading';
import { refusalByMeter, refusalOf, type MeterFacts } from './reading-rules';

const NOW = new Date('2026-03-15T12:00:00Z');
const DAY = 86_400_000;

const reading = (changes: Partial<Reading> = {}): Reading => ({
  meterSerial: 'GTX-1',
  intervalStart: new Date('2026-03-15T11:00:00Z'),
  intervalMinutes: 15,
  generatedWh: 100n,
  consumedWh: 50n,
  quality: 'actual',
  ...changes,
});

const meter = (changes: Partial<MeterFacts> = {}): MeterFacts => ({
  id: 'meter',
  ownerId: 'owner',
  status: 'verified',
  capacityW: 10_000n,
  intervalMinutes: 15,
  ...changes,
});

const codeOf = (changes: Partial<Reading>, mayLoadHistory = false) =>
  refusalOf(reading(changes), { now: NOW, mayLoadHistory })?.code;

describe('rules that need no meter', () => {
  it('takes what keeps them all', () => {
    expect(codeOf({})).toBeUndefined();
  });

  it.each([
    [0, 'UNSUPPORTED_INTERVAL'],
    [1, 'UNSUPPORTED_INTERVAL'],
    [45, 'UNSUPPORTED_INTERVAL'],
    [5, undefined],
    [60, undefined],
  ])('an interval of %d minutes: %s', (intervalMinutes, code) => {
    expect(codeOf({ intervalMinutes })).toBe(code);
  });

  it.each([
    ['2026-03-15T11:05:00Z', 5, undefined],
    ['2026-03-15T11:05:00Z', 10, 'MISALIGNED'],
    ['2026-03-15T11:00:01Z', 15, 'MISALIGNED'],
    ['2026-03-15T11:00:00.001Z', 15, 'MISALIGNED'],
    ['2026-03-15T10:30:00Z', 60, 'MISALIGNED'],
  ])('an interval from %s of %d minutes: %s', (start, intervalMinutes, code) => {
    expect(codeOf({ intervalStart: new Date(start), intervalMinutes })).toBe(code);
  });

  it.each([
    [-1n, 0n, 'NEGATIVE_ENERGY'],
    [0n, -1n, 'NEGATIVE_ENERGY'],
    [0n, 0n, undefined],
    [100_000n, 100_000n, undefined],
    [100_001n, 0n, 'ENERGY_TOO_LARGE'],
    [0n, 100_001n, 'ENERGY_TOO_LARGE'],
  ])('%s Wh generated and %s Wh consumed: %s', (generatedWh, consumedWh, code) => {
    expect(codeOf({ generatedWh, consumedWh })).toBe(code);
  });

  it('takes an interval once it is over, give or take five minutes', () => {
    const over = new Date('2026-03-15T11:50:00Z');
    expect(codeOf({ intervalStart: over, intervalMinutes: 10 })).toBeUndefined();
    expect(codeOf({ intervalStart: NOW, intervalMinutes: 5 })).toBeUndefined();
    expect(codeOf({ intervalStart: over, intervalMinutes: 5 })).toBeUndefined();
    expect(codeOf({ intervalStart: NOW, intervalMinutes: 10 })).toBe('IN_FUTURE');
    expect(codeOf({ intervalStart: new Date(NOW.getTime() + DAY) }, true)).toBe('IN_FUTURE');
  });

  it('says of a reading from another time that, aligned or not', () => {
    expect(codeOf({ intervalStart: new Date(NOW.getTime() + 3_601_001) })).toBe('IN_FUTURE');
    expect(codeOf({ intervalStart: new Date(NOW.getTime() - 401 * DAY - 1) })).toBe('TOO_OLD');
  });

  it('takes 400 days from owners, more from those who load history, nothing from before the year 2000', () => {
    const onTheDay = new Date(NOW.getTime() - 400 * DAY);
    const before = new Date(onTheDay.getTime() - 900_000);
    expect(codeOf({ intervalStart: onTheDay })).toBeUndefined();
    expect(codeOf({ intervalStart: before })).toBe('TOO_OLD');
    expect(codeOf({ intervalStart: before }, true)).toBeUndefined();
    expect(codeOf({ intervalStart: new Date('1999-12-31T23:45:00Z') }, true)).toBe('TOO_OLD');
  });
});

describe('rules of the meter', () => {
  it('takes readings while it is pending or verified', () => {
    expect(refusalByMeter(reading(), meter({ status: 'pending' }))).toBeUndefined();
    expect(refusalByMeter(reading(), meter({ status: 'verified' }))).toBeUndefined();
    expect(refusalByMeter(reading(), meter({ status: 'suspended' }))?.code).toBe('METER_SUSPENDED');
    expect(refusalByMeter(reading(), meter({ status: 'retired' }))?.code).toBe('METER_RETIRED');
  });

  it('keeps to the interval length of its first reading', () => {
    expect(refusalByMeter(reading(), meter({ intervalMinutes: null }))).toBeUndefined();
    expect(refusalByMeter(reading(), meter({ intervalMinutes: 30 }))?.code).toBe('INTERVAL_LENGTH_CHANGED');
  });

  it('cannot generate more than a fifth above its capacity', () => {
    const tenKw = meter({ capacityW: 10_000n });
    expect(refusalByMeter(reading({ generatedWh: 3_000n }), tenKw)).toBeUndefined();
    expect(refusalByMeter(reading({ generatedWh: 3_001n }), tenKw)?.code).toBe('ABOVE_CAPACITY');
  });

  it('generates nothing without capacity, and consumes what it likes', () => {
    const consumer = meter({ capacityW: 0n });
    expect(refusalByMeter(reading({ generatedWh: 0n, consumedWh: 100_000n }), consumer)).toBeUndefined();
    expect(refusalByMeter(reading({ generatedWh: 1n }), consumer)?.code).toBe('ABOVE_CAPACITY');
  });

  it('agrees with capacity × hours × 1.2 for every meter', () => {
    const minutes = fc.constantFrom(5, 10, 15, 30, 60);
    fc.assert(
      fc.property(
        fc.bigInt(0n, 200_000n),
        minutes,
        fc.bigInt(0n, 100_000n),
        (capacityW, intervalMinutes, generatedWh) => {
          const refused = refusalByMeter(
            reading({ generatedWh, intervalMinutes }),
            meter({ capacityW, intervalMinutes }),
          );
          const most = capacityW * BigInt(intervalMinutes) * 12n;
          expect(refused?.code === 'ABOVE_CAPACITY').toBe(generatedWh * 60n * 10n > most);
        },
      ),
    );
  });
});
