import { mayBecome, METER_STATUSES } from './meter-life-cycle';

describe('the life of a meter', () => {
  it.each([
    ['pending', ['verified', 'suspended', 'retired']],
    ['verified', ['suspended', 'retired']],
    ['suspended', ['verified', 'retired']],
    ['retired', []],
  ] as const)('%s becomes %s, and nothing else', (from, to) => {
    expect(METER_STATUSES.filter((status) => mayBecome(from, status)).sort()).toEqual([...to].sort());
  });
});
