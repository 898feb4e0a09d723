import { isResting, opposite, type RestingOrder, type Side } from './order';

/** One side of a market's book, best order first: the better price, then the earlier sequence. */
export class BookSide implements Iterable<RestingOrder> {
  /** Worst first, so that the best leaves from the end. */
  private readonly orders: RestingOrder[];

  constructor(orders: Iterable<RestingOrder>) {
    this.orders = [...orders].sort((one, other) => (outranks(one, other) ? 1 : -1));
  }

  /** Best first; orders that were filled or cancelled meanwhile are passed over. */
  *[Symbol.iterator](): Generator<RestingOrder> {
    for (let index = this.orders.length - 1; index >= 0; index--) {
      const order = this.orders[index] as RestingOrder;
      if (isResting(order)) yield order;
    }
  }

  add(order: RestingOrder): void {
    let low = 0;
    let high = this.orders.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (outranks(order, this.orders[middle] as RestingOrder)) low = middle + 1;
      else high = middle;
    }
    this.orders.splice(low, 0, order);
  }

  /** Forgets the best orders that rest no longer. */
  prune(): void {
    for (let best = this.orders.at(-1); best !== undefined && !isResting(best); best = this.orders.at(-1)) {
      this.orders.pop();
    }
  }
}

/** Both sides of a market's book, or as much of them as a batch can reach. */
export class OrderBook {
  private readonly sides: Record<Side, BookSide>;

  /** @param orders in any order; they are copied, so that a match on this book changes none of them */
  constructor(orders: readonly RestingOrder[]) {
    const of = (side: Side) =>
      new BookSide(orders.filter((order) => order.side === side).map((order) => ({ ...order })));
    this.sides = { buy: of('buy'), sell: of('sell') };
  }

  /** What an order of this side meets, best first. */
  against(side: Side): BookSide {
    return this.sides[opposite(side)];
  }

  add(order: RestingOrder): void {
    this.sides[order.side].add(order);
  }
}

/** Price-time priority among orders of one side. */
function outranks(one: RestingOrder, other: RestingOrder): boolean {
  if (one.pricePerKwh === other.pricePerKwh) return one.sequence < other.sequence;
  return one.pricePerKwh < other.pricePerKwh === (one.side === 'sell');
}
