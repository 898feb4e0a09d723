import fc from 'fast-check';
import {
  accountName,
  energyAsset,
  move,
  platformAccount,
  release,
  reserve,
  transfer,
  userAccount,
} from './transfer';

describe('transfers', () => {
  const alice = userAccount('a', 'THB');
  const bob = userAccount('b', 'THB');

  it('sum to zero whatever is moved', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 10n ** 18n }), { maxLength: 20 }), (amounts) => {
        const legs = amounts.flatMap((amount) => move(alice, bob, amount));
        const sum = transfer('trade', 'x', legs).legs.reduce((total, { amount }) => total + amount, 0n);
        expect(sum).toBe(0n);
      }),
    );
  });

  it('refuse to create or to lose value', () => {
    const solar = userAccount('b', energyAsset('solar'));
    expect(() => transfer('trade', 'x', [{ account: alice, amount: -1n }])).toThrow(
      'out of balance by -1 of THB',
    );
    expect(() => transfer('trade', 'x', move(alice, solar, 5n))).toThrow('out of balance');
  });

  it('leave out legs of nothing', () => {
    expect(transfer('trade', 'x', [...move(alice, bob, 0n), ...move(alice, bob, 2n)]).legs).toHaveLength(2);
  });

  it('give back what they reserved', () => {
    expect(release('a', 'THB', 7n).map(({ amount }) => amount)).toEqual([-7n, 7n]);
    expect(release('a', 'THB', 7n)[0]?.account).toEqual(reserve('a', 'THB', 7n)[1]?.account);
  });

  it('name every account differently', () => {
    const accounts = [
      alice,
      bob,
      userAccount('a', 'THB', 'reserved'),
      platformAccount('fees:solar', 'THB'),
      platformAccount('deposits', 'THB'),
    ];
    expect(new Set(accounts.map(accountName)).size).toBe(accounts.length);
  });
});
