import { lockTree } from './lock-tree';

const waits = (pid: number, ...blockers: number[]) => ({ pid, blockers });
const drawn = (...nodes: { pid: number; blockers: number[] }[]) =>
  lockTree(nodes).map(({ node, depth, root }) => `${'-'.repeat(depth)}${node.pid} of ${root}`);

describe('the tree of locks', () => {
  it('puts each below the last in the queue of those it waits for', () => {
    expect(drawn(waits(1), waits(9), waits(2, 1), waits(3, 1, 2), waits(8, 9), waits(4, 3, 1))).toEqual([
      '1 of 1',
      '-2 of 1',
      '--3 of 1',
      '---4 of 1',
      '9 of 9',
      '-8 of 9',
    ]);
  });

  it('has all of a deadlock, once', () => {
    expect(drawn(waits(1, 2), waits(2, 1), waits(3, 2)).sort()).toHaveLength(3);
  });

  it('leaves out whom nobody knows any more', () => {
    expect(drawn(waits(2, 1))).toEqual(['2 of 2']);
  });
});
