import { inParallel } from './parallel';

describe('working in parallel', () => {
  it('keeps the order of the results and never does more than so many at a time', async () => {
    let running = 0;
    let most = 0;
    const results = await inParallel([5, 1, 3, 2, 4], 2, async (item) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < item; turn++) await Promise.resolve();
      running--;
      return item * 10;
    });
    expect(results).toEqual([50, 10, 30, 20, 40]);
    expect(most).toBe(2);
  });

  it('begins nothing new after a failure, and throws the first one once all has ended', async () => {
    const begun: number[] = [];
    let ended = 0;
    const work = inParallel([0, 1, 2, 3], 2, async (item) => {
      begun.push(item);
      await Promise.resolve();
      if (item === 0) throw new Error('first');
      await Promise.resolve();
      ended++;
    });
    await expect(work).rejects.toThrow('first');
    expect(begun).toEqual([0, 1]);
    expect(ended).toBe(1);
  });
});
