import { recentKeysFirst, recentMonthsFirst, type Span } from './recent-months';

const at = (text: string): Date => new Date(`${text}T00:00:00Z`);
const BEGINNING = at('2000-01-01');

/** Rows of these days, as a table would answer: those of the span, newest first, at most so many. */
const tableOf = (days: readonly string[], limit: number) => {
  const asked: Span[] = [];
  const read = (span: Span) => {
    asked.push(span);
    const rows = days.map((day) => ({ created_at: at(day) }));
    const found = rows.filter(({ created_at: day }) => day >= span.from && day < span.to).reverse();
    return Promise.resolve(found.slice(0, limit));
  };
  return { asked, read };
};

describe('a page of a table by month', () => {
  const days = ['2026-01-05', '2026-03-02', '2026-03-30', '2026-04-15', '2026-04-20'];
  const readsTo = (to: string, count: number) => {
    const { asked, read } = tableOf(days, count);
    const span = { from: BEGINNING, to: at(to) };
    const rows = recentMonthsFirst(span, read, (found) => found.length >= count);
    return rows.then((found) => ({ found: found.length, from: asked.map(({ from }) => from) }));
  };

  it('is read from the last month alone where that is enough', async () => {
    expect(await readsTo('2026-04-25', 2)).toEqual({ found: 2, from: [at('2026-04-01')] });
  });

  it('is read from the last two early in a month', async () => {
    expect(await readsTo('2026-04-03', 2)).toEqual({ found: 2, from: [at('2026-03-01')] });
  });

  it('is read from everything where the last month is not enough', async () => {
    expect(await readsTo('2026-04-25', 4)).toEqual({ found: 4, from: [at('2026-04-01'), BEGINNING] });
  });

  it('is asked for once where the span is shorter than a month', async () => {
    const { asked, read } = tableOf(days, 50);
    const span = { from: at('2026-04-16'), to: at('2026-04-25') };
    expect(await recentMonthsFirst(span, read, (found) => found.length >= 50)).toHaveLength(1);
    expect(asked).toEqual([span]);
  });
});

describe('a page in the order of keys', () => {
  /** A key made at the beginning of a day. */
  const keyOf = (day: string): string => {
    const made = at(day).getTime().toString(16).padStart(12, '0');
    return `${made.slice(0, 8)}-${made.slice(8)}-7000-8000-000000000000`;
  };

  it('is read from the month of its position', async () => {
    const { asked, read } = tableOf(['2020-04-15', '2020-04-20'], 2);
    expect(await recentKeysFirst(keyOf('2020-04-25'), 2, read)).toHaveLength(2);
    expect(asked).toEqual([{ from: at('2020-04-01'), to: at('2020-04-26') }]);
  });

  it('is read from everything when it ends where a month begins: keys and times may differ there', async () => {
    const { asked, read } = tableOf(['2020-04-01', '2020-04-20'], 2);
    expect(await recentKeysFirst(keyOf('2020-04-25'), 2, read)).toHaveLength(2);
    expect(asked.map(({ from }) => from)).toEqual([at('2020-04-01'), BEGINNING]);
  });

  it('begins at the present, whatever its position says', async () => {
    const { asked, read } = tableOf([], 2);
    await recentKeysFirst('ffffffff-ffff-ffff-ffff-ffffffffffff', 2, read);
    const [span] = asked;
    expect((span as Span).to.getTime() - Date.now()).toBeLessThanOrEqual(86_400_000);
  });
});
