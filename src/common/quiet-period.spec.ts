import { QuietPeriod } from './quiet-period';

describe('a quiet period', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('lets one message through, counts those that it holds back, and tells with the next one', () => {
    const quiet = new QuietPeriod(10_000);
    expect(quiet.pass()).toBe(0);
    expect([quiet.pass(), quiet.pass(), quiet.pass()]).toEqual([undefined, undefined, undefined]);
    jest.advanceTimersByTime(9_999);
    expect(quiet.pass()).toBeUndefined();
    jest.advanceTimersByTime(1);
    expect(quiet.pass()).toBe(4);
    jest.advanceTimersByTime(60_000);
    expect(quiet.pass()).toBe(0);
  });
});
