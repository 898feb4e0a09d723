import { createPublicKey, verify } from 'node:crypto';
import bs58 from 'bs58';
import { credentialsOf, walletOf } from './household-keys';

const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

describe('the keys of a household', () => {
  const mine = credentialsOf('GTX-CHR11', 'secret');

  it('are the same for the same secret, and others for another secret or meter', () => {
    expect(mine).toEqual(credentialsOf('GTX-CHR11', 'secret'));
    expect(mine).toMatchObject({ email: 'gtx-chr11@replay.gridtokenx.example', username: 'gtx-chr11' });
    expect(credentialsOf('GTX-CHR11', 'other').password).not.toBe(mine.password);
    expect(credentialsOf('GTX-CHR12', 'secret').password).not.toBe(mine.password);
    expect(mine.password).toMatch(/^[A-Za-z0-9_-]{24}$/);
  });

  it('sign with a wallet that anybody can verify by its address', () => {
    const wallet = walletOf(mine, 'secret');
    const spki = Buffer.concat([SPKI_PREFIX, bs58.decode(wallet.address)]);
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    const signature = bs58.decode(wallet.sign('please'));
    expect(verify(null, Buffer.from('please'), key, signature)).toBe(true);
    expect(wallet.address).toBe(walletOf(mine, 'secret').address);
    expect(wallet.address).not.toBe(walletOf(mine, 'other').address);
  });

  it.each(['Zähler 7', 'a', 'x'.repeat(64), '..//..', 'A b', 'a-b '])(
    'has a username for a serial such as %j',
    (serial) => {
      expect(credentialsOf(serial, 'secret').username).toMatch(/^[a-z0-9][a-z0-9._-]{2,31}$/);
    },
  );

  it('tells serials apart that look alike', () => {
    const usernames = ['a b c', 'a.b c', 'a-b c', 'a-b-c'].map(
      (serial) => credentialsOf(serial, 'secret').username,
    );
    expect(new Set(usernames).size).toBe(4);
  });
});
