import fc from 'fast-check';
import { feeOf, type Money, type Price, type WattHours } from '../common/units';
import { accountName, userAccount, type Asset } from '../ledger/transfer';
import { LockedFunds, TouchedAccounts } from './funds';
import type { MarketTerms } from './market-terms';
import { isResting, type Order, type OrderRequest, type RestingOrder } from './order';
import { runBatch, type BatchResult, type Submission } from './order-batch';
import { demandOf } from './order-settlement';

const NOW = new Date('2026-05-01T12:00:00Z');
const MONEY = 'THB';
const ENERGY = 'energy:solar';
const USERS = ['ann', 'bob', 'cem', 'dao'] as const;

/** Its tick is finer than one micro-unit per Wh: only then do costs have to be rounded. */
const solar: MarketTerms = {
  id: 'solar',
  mechanism: 'continuous',
  energySource: 'solar',
  tick: 1n as Price,
  lotWh: 1n as WattHours,
  feeBps: 100,
  status: 'open',
};

const request = (changes: Partial<OrderRequest>): OrderRequest => ({
  market: 'solar',
  side: 'buy',
  type: 'limit',
  timeInForce: 'gtc',
  quantityWh: 1_000n as WattHours,
  pricePerKwh: 4_000_000n as Price,
  maxAmount: null,
  expiresAt: null,
  clientOrderId: null,
  ...changes,
});

const anyRequest = fc
  .record({
    side: fc.constantFrom('buy' as const, 'sell' as const),
    type: fc.constantFrom('limit' as const, 'limit' as const, 'market' as const),
    timeInForce: fc.constantFrom('gtc' as const, 'gtc' as const, 'ioc' as const, 'fok' as const),
    quantityWh: fc.bigInt(1n, 3_000n),
    pricePerKwh: fc.bigInt(3_000_001n, 3_000_020n),
    maxAmount: fc.bigInt(1n, 9_000_000n),
  })
  .map(({ type, side, timeInForce, ...order }) =>
    request({
      side,
      type,
      timeInForce: type === 'market' && timeInForce === 'gtc' ? 'ioc' : timeInForce,
      quantityWh: order.quantityWh as WattHours,
      pricePerKwh: type === 'limit' ? (order.pricePerKwh as Price) : null,
      maxAmount: type === 'market' && side === 'buy' ? (order.maxAmount as Money) : null,
    }),
  );

const anyDay = fc.record({
  submissions: fc.array(fc.record({ userId: fc.constantFrom(...USERS), request: anyRequest }), {
    maxLength: 25,
  }),
  money: fc.bigInt(0n, 40_000_000n),
  energy: fc.bigInt(0n, 9_000n),
});

/** Everybody's balances of both assets and buckets, and the market's fees, as the transfers leave them. */
function booksAfter({ transfers }: BatchResult, opening: ReadonlyMap<string, bigint>): Map<string, bigint> {
  const books = new Map(opening);
  for (const { legs } of transfers) {
    for (const { account, amount } of legs) {
      const name = accountName(account);
      books.set(name, (books.get(name) ?? 0n) + amount);
    }
    if ([...books.values()].some((balance) => balance < 0n)) throw new Error('an account went below zero');
  }
  return books;
}

const openingOf = (money: bigint, energy: bigint): Map<string, bigint> =>
  new Map(
    USERS.flatMap((user) => [
      [accountName(userAccount(user, MONEY)), money],
      [accountName(userAccount(user, ENERGY)), energy],
    ]),
  );

const run = (
  submissions: readonly Submission[],
  opening: ReadonlyMap<string, bigint>,
  resting: RestingOrder[] = [],
) => runBatch(submissions, [{ market: solar, sequence: 7n, resting }], MONEY, new LockedFunds(opening), NOW);

const sumOf = (books: ReadonlyMap<string, bigint>, asset: Asset): bigint =>
  [...books].filter(([name]) => name.includes(`/${asset}/`)).reduce((sum, [, balance]) => sum + balance, 0n);

const reservedFor = (orders: readonly Order[], user: string, side: Order['side']): bigint =>
  orders
    .filter((order) => order.userId === user && order.side === side)
    .reduce((sum, order) => sum + order.reservedAmount, 0n);

describe('a batch of orders', () => {
  it('conserves energy and money, and takes nobody below zero', () => {
    fc.assert(
      fc.property(anyDay, ({ submissions, money, energy }) => {
        const opening = openingOf(money, energy);
        const books = booksAfter(run(submissions, opening), opening);
        expect(sumOf(books, MONEY)).toBe(money * BigInt(USERS.length));
        expect(sumOf(books, ENERGY)).toBe(energy * BigInt(USERS.length));
      }),
    );
  });

  it('holds in reserve exactly what its waiting orders demand', () => {
    fc.assert(
      fc.property(anyDay, ({ submissions, money, energy }) => {
        const opening = openingOf(money, energy);
        const result = run(submissions, opening);
        const books = booksAfter(result, opening);
        for (const user of USERS) {
          const moneyReserved = books.get(accountName(userAccount(user, MONEY, 'reserved'))) ?? 0n;
          const energyReserved = books.get(accountName(userAccount(user, ENERGY, 'reserved'))) ?? 0n;
          expect([moneyReserved, energyReserved]).toEqual([
            reservedFor(result.placed, user, 'buy'),
            reservedFor(result.placed, user, 'sell'),
          ]);
        }
        expect(
          result.placed.every((order) => order.reservedAmount === (isResting(order) ? demandOf(order) : 0n)),
        ).toBe(true);
      }),
    );
  });

  it('never leaves bids and asks that cross', () => {
    fc.assert(
      fc.property(anyDay, ({ submissions, money, energy }) => {
        const resting = run(submissions, openingOf(money, energy)).placed.filter(isResting) as RestingOrder[];
        const prices = (side: Order['side']) =>
          resting.filter((order) => order.side === side).map((order) => order.pricePerKwh);
        const crossed = prices('buy').some((bid) => prices('sell').some((ask) => bid >= ask));
        expect(crossed).toBe(false);
      }),
    );
  });

  it('books the same amount from the buyer as to seller and market, with the fee rounded down', () => {
    fc.assert(
      fc.property(anyDay, ({ submissions, money, energy }) => {
        const { executions, transfers } = run(submissions, openingOf(money, energy));
        for (const { id, amount, fee, quantityWh, pricePerKwh, buyerId, sellerId } of executions) {
          expect(amount).toBe((quantityWh * pricePerKwh) / 1000n);
          expect(fee).toBe(feeOf(amount, solar.feeBps));
          expect(buyerId).not.toBe(sellerId);
          const legs = transfers.find(({ reference }) => reference === id)?.legs ?? [];
          const of = (user: string | null, asset: Asset) =>
            legs
              .filter(({ account }) => account.userId === user && account.asset === asset)
              .reduce((sum, leg) => sum + leg.amount, 0n);
          expect(of(buyerId, MONEY)).toBe(0n - amount);
          expect(of(sellerId, MONEY)).toBe(amount - fee);
          expect(of(null, MONEY)).toBe(fee);
          expect(of(buyerId, ENERGY)).toBe(quantityWh);
          expect(of(sellerId, ENERGY)).toBe(0n - quantityWh);
        }
      }),
    );
  });

  it('numbers orders and trades without a gap, and keeps each number once', () => {
    fc.assert(
      fc.property(anyDay, ({ submissions, money, energy }) => {
        const { placed, executions, sequences } = run(submissions, openingOf(money, energy));
        const numbers = [...placed, ...executions]
          .map(({ sequence }) => sequence)
          .sort((a, b) => Number(a - b));
        expect(numbers).toEqual(numbers.map((_, index) => 8n + BigInt(index)));
        expect(sequences.get('solar')).toBe(7n + BigInt(numbers.length));
      }),
    );
  });

  it('rehearses without a trace, and learns which accounts it touches', () => {
    const first = run([{ userId: 'ann', request: request({ side: 'sell' }) }], openingOf(0n, 5_000n));
    const resting = first.placed as RestingOrder[];
    const before = structuredClone(resting);
    const touched = new TouchedAccounts();
    runBatch(
      [{ userId: 'bob', request: request({}) }],
      [{ market: solar, sequence: 8n, resting }],
      MONEY,
      touched,
      NOW,
    );
    expect(resting).toEqual(before);
    expect(touched.keys.map(accountName).sort()).toEqual([
      'ann/THB/available',
      'ann/energy:solar/reserved',
      'bob/THB/available',
      'bob/energy:solar/available',
      'platform/fees:solar/THB/available',
    ]);
  });

  it('refuses what lacks balance alone, and counts on what came in before', () => {
    const opening = new Map([
      [accountName(userAccount('ann', ENERGY)), 1_000n],
      [accountName(userAccount('ann', MONEY)), 0n],
      [accountName(userAccount('bob', MONEY)), 4_000_000n],
    ]);
    const { outcomes } = run(
      [
        { userId: 'ann', request: request({ quantityWh: 10n as WattHours }) },
        { userId: 'ann', request: request({ side: 'sell' }) },
        { userId: 'bob', request: request({}) },
        { userId: 'ann', request: request({ quantityWh: 990n as WattHours }) },
        { userId: 'ann', request: request({ quantityWh: 1n as WattHours }) },
      ],
      opening,
    );
    expect(
      outcomes.map((outcome) => ('order' in outcome ? outcome.order.status : outcome.refusal.code)),
    ).toEqual(['INSUFFICIENT_BALANCE', 'filled', 'filled', 'open', 'INSUFFICIENT_BALANCE']);
  });

  it('matches again without the orders that were refused', () => {
    const maker = run([{ userId: 'cem', request: request({ side: 'sell' }) }], openingOf(0n, 1_000n))
      .placed as RestingOrder[];
    const opening = new Map([
      [accountName(userAccount('ann', ENERGY)), 0n],
      [accountName(userAccount('bob', MONEY)), 4_000_000n],
    ]);
    const submissions = [
      { userId: 'ann', request: request({ side: 'sell', pricePerKwh: 3_000_000n as Price }) },
      { userId: 'bob', request: request({}) },
    ];
    const { executions, changed } = run(submissions, opening, maker);
    expect(executions).toEqual([
      expect.objectContaining({ sellerId: 'cem', buyerId: 'bob', pricePerKwh: 4_000_000n }),
    ]);
    expect(changed).toEqual([
      expect.objectContaining({ status: 'filled', filledWh: 1_000n, reservedAmount: 0n }),
    ]);
  });

  it('gives a buyer back at once what a better price saved', () => {
    const opening = openingOf(4_000_000n, 1_000n);
    const result = run(
      [
        {
          userId: 'ann',
          request: request({ side: 'sell', pricePerKwh: 3_000_000n as Price, quantityWh: 400n as WattHours }),
        },
        { userId: 'bob', request: request({}) },
      ],
      opening,
    );
    const books = booksAfter(result, opening);
    expect(books.get(accountName(userAccount('bob', MONEY)))).toBe(400_000n);
    expect(books.get(accountName(userAccount('bob', MONEY, 'reserved')))).toBe(2_400_000n);
  });

  it('releases the rounding of a fill with the last watt-hour', () => {
    const opening = openingOf(40_000n, 3n);
    const odd = 10_333_337n as Price;
    const result = run(
      [
        { userId: 'bob', request: request({ quantityWh: 3n as WattHours, pricePerKwh: odd }) },
        ...[1n, 1n, 1n].map((quantity) => ({
          userId: 'ann',
          request: request({ side: 'sell', quantityWh: quantity as WattHours, pricePerKwh: odd }),
        })),
      ],
      opening,
    );
    const books = booksAfter(result, opening);
    expect(books.get(accountName(userAccount('bob', MONEY, 'reserved')))).toBe(0n);
    expect(books.get(accountName(userAccount('bob', MONEY)))).toBe(40_000n - 3n * 10_333n);
  });
});
