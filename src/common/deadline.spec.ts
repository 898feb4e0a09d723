import { setTimeout as pause } from 'node:timers/promises';
import { Deadlines, TooLate } from './deadline';

const never = () => new Promise<never>(() => undefined);

describe('deadlines of many answers', () => {
  it('give what arrives, and what goes wrong, as it came', async () => {
    const deadlines = new Deadlines(10_000, 'Somebody');
    const wrong = new Error('wrong');
    const [one, two, three] = await Promise.allSettled([
      deadlines.within(Promise.resolve(1)),
      deadlines.within(Promise.reject(wrong)),
      deadlines.within(pause(5, 3)),
    ]);
    expect([one, two, three]).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: wrong },
      { status: 'fulfilled', value: 3 },
    ]);
  });

  it('end each one that does not come, whatever came before and after it', async () => {
    const deadlines = new Deadlines(20, 'Somebody');
    for (let round = 0; round < 3; round++) {
      const outcomes = await Promise.allSettled([
        deadlines.within(Promise.resolve(1)),
        deadlines.within(never()),
        deadlines.within(Promise.resolve(2)),
        deadlines.within(never()),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'fulfilled',
        'rejected',
      ]);
      const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      for (const reason of refused) expect(reason).toBeInstanceOf(TooLate);
    }
  });

  it('let an answer count that arrived while this process was busy', async () => {
    const deadlines = new Deadlines(20, 'Somebody');
    const arriving = deadlines.within(new Promise((resolve) => setImmediate(resolve, 'here')));
    const busyUntil = performance.now() + 40;
    while (performance.now() < busyUntil);
    await expect(arriving).resolves.toBe('here');
  });

  it('tell the watcher once how each one ended', async () => {
    const told: string[] = [];
    const watcher = {
      succeeded: () => told.push('succeeded'),
      failed: (reason: Error) => told.push(reason.message),
    };
    const deadlines = new Deadlines(10, 'Somebody');
    let late: (value: number) => void = () => undefined;
    const tooLate = deadlines.within(new Promise<number>((resolve) => (late = resolve)), watcher);
    await expect(tooLate).rejects.toThrow('Somebody did not answer within 10 ms');
    late(1);
    await deadlines.within(Promise.resolve(2), watcher);
    expect(told).toEqual(['Somebody did not answer within 10 ms', 'succeeded']);
  });
});
