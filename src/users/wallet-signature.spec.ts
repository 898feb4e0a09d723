import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import bs58 from 'bs58';
import { isSignedBy, isWalletAddress } from './wallet-signature';

describe('a wallet signature', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const address = bs58.encode(Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url'));
  const signature = bs58.encode(sign(null, Buffer.from('hello – grüezi'), privateKey));

  it('is good for its text and its wallet', () => {
    expect(isWalletAddress(address)).toBe(true);
    expect(isSignedBy(address, 'hello – grüezi', signature)).toBe(true);
  });

  it('is bad for another text or another wallet, changed, or cut', () => {
    const other = bs58.encode(
      Buffer.from(
        generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x as string,
        'base64url',
      ),
    );
    const changed = bs58.decode(signature);
    changed[3] = (changed[3] as number) ^ 1;
    expect(isSignedBy(address, 'hello', signature)).toBe(false);
    expect(isSignedBy(other, 'hello – grüezi', signature)).toBe(false);
    expect(isSignedBy(address, 'hello – grüezi', bs58.encode(changed))).toBe(false);
    expect(isSignedBy(address, 'hello – grüezi', bs58.encode(changed.subarray(1)))).toBe(false);
    expect(isSignedBy(address.slice(1), 'hello – grüezi', signature)).toBe(false);
    expect(isSignedBy(address, 'hello – grüezi', 'not base58 0OIl')).toBe(false);
  });

  it('is RFC 8032: the second test vector of section 7.1', () => {
    const key = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c';
    const signed =
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00';
    const inBase58 = (hex: string) => bs58.encode(Buffer.from(hex, 'hex'));
    expect(isSignedBy(inBase58(key), 'r', inBase58(signed))).toBe(true);
  });

  it.each([
    ['identity', `01${'00'.repeat(31)}`],
    ['identity, encoded with p + 1', `ee${'ff'.repeat(30)}7f`],
    ['identity with a sign', `01${'00'.repeat(30)}80`],
    ['order 2', `ec${'ff'.repeat(30)}7f`],
    ['order 4', '00'.repeat(32)],
    ['order 8', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['order 8', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
  ])('never comes from a point of small order: %s', (_, hex) => {
    const weak = bs58.encode(Buffer.from(hex, 'hex'));
    const forged = bs58.encode(Buffer.concat([Buffer.from([1]), Buffer.alloc(63)])); // R is the identity, S is 0
    const texts = Array.from({ length: 16 }, (__, n) => `text ${n}`);
    expect(isWalletAddress(weak)).toBe(false);
    expect(texts.some((text) => isSignedBy(weak, text, forged))).toBe(false);
  });

  it('would be forged for the identity without that rule', () => {
    const x = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]).toString('base64url');
    const identity = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
    const forged = Buffer.concat([Buffer.from([1]), Buffer.alloc(63)]);
    expect(verify(null, Buffer.from('anything'), identity, forged)).toBe(true);
  });
});
