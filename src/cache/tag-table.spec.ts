import { TagTable } from './tag-table';

describe('the tags that a process remembers', () => {
  it('are bounded, whatever anybody asks for, and those that are forgotten drop what is kept under them', () => {
    const tags = new TagTable(10);
    const [first] = tags.statesOf(['first']);
    const seen = Array.from({ length: 1_000 }, (_, n) => tags.statesOf([`unknown:${n}`])).flat();
    const dropped = seen.filter(({ generation }) => generation > 0).length;
    expect(first?.generation).toBe(1);
    expect(dropped).toBeGreaterThanOrEqual(1_000 - 2 * 10);
  });
});
