import fc from 'fast-check';
import { OrderBook } from './order-book';
import type { RestingOrder, Side } from './order';

const resting = (side: Side, price: number, sequence: number): RestingOrder =>
  ({ side, pricePerKwh: BigInt(price), sequence: BigInt(sequence), status: 'open' }) as RestingOrder;

const ranks = (book: OrderBook, takerSide: Side) =>
  [...book.against(takerSide)].map(({ pricePerKwh, sequence }) => [Number(pricePerKwh), Number(sequence)]);

describe('OrderBook', () => {
  it('offers a buyer the cheapest ask first, and the earlier of two at one price', () => {
    const book = new OrderBook([
      resting('sell', 5, 1),
      resting('sell', 4, 3),
      resting('sell', 4, 2),
      resting('buy', 1, 4),
    ]);
    expect(ranks(book, 'buy')).toEqual([
      [4, 2],
      [4, 3],
      [5, 1],
    ]);
  });

  it('offers a seller the highest bid first', () => {
    const book = new OrderBook([resting('buy', 5, 3), resting('buy', 6, 4), resting('buy', 5, 1)]);
    expect(ranks(book, 'sell')).toEqual([
      [6, 4],
      [5, 1],
      [5, 3],
    ]);
  });

  it('keeps its order however orders come in', () => {
    const entry = fc.tuple(fc.constantFrom<Side>('buy', 'sell'), fc.integer({ min: 1, max: 9 }));
    fc.assert(
      fc.property(fc.array(entry), fc.nat(), (entries, cut) => {
        const orders = entries.map(([side, price], sequence) => resting(side, price, sequence));
        const at = orders.length === 0 ? 0 : cut % orders.length;
        const grown = new OrderBook(orders.slice(0, at));
        for (const order of orders.slice(at)) grown.add(order);
        const whole = new OrderBook(orders);
        expect([ranks(grown, 'buy'), ranks(grown, 'sell')]).toEqual([
          ranks(whole, 'buy'),
          ranks(whole, 'sell'),
        ]);
      }),
    );
  });

  it('passes over what rests no longer, and forgets it when it was best', () => {
    const book = new OrderBook([resting('sell', 1, 1), resting('sell', 2, 2), resting('sell', 3, 3)]);
    const [best, second] = [...book.against('buy')];
    if (best === undefined || second === undefined) throw new Error('the book is too short');
    second.status = 'filled';
    expect(ranks(book, 'buy')).toEqual([
      [1, 1],
      [3, 3],
    ]);
    best.status = 'filled';
    book.against('buy').prune();
    expect(ranks(book, 'buy')).toEqual([[3, 3]]);
  });
});
