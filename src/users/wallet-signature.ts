import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import bs58 from 'bs58';

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/**
 * The y coordinates (little-endian, without the sign bit) of Edwards25519's points of small order, and p and
 * p + 1, which encode two of them once more. For such a "key" anybody can make a signature that verifies.
 */
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/** True for the base58 of 32 bytes that can be somebody's Ed25519 key. */
export function isWalletAddress(address: string): boolean {
  const key = bs58.decodeUnsafe(address);
  return key?.length === KEY_BYTES && !isOfSmallOrder(key);
}

/**
 * Checks an Ed25519 signature (RFC 8032) of a text's UTF-8 bytes.
 * @param address public key in base58
 * @param signature in base58
 */
export function isSignedBy(address: string, text: string, signature: string): boolean {
  const bytes = bs58.decodeUnsafe(signature);
  const key = bs58.decodeUnsafe(address);
  if (bytes?.length !== SIGNATURE_BYTES || key?.length !== KEY_BYTES || isOfSmallOrder(key)) return false;
  return verify(null, Buffer.from(text, 'utf8'), publicKey(key), bytes);
}

function publicKey(bytes: Uint8Array): KeyObject {
  const x = Buffer.from(bytes).toString('base64url');
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
}

function isOfSmallOrder(key: Uint8Array): boolean {
  const y = Buffer.from(key);
  y[KEY_BYTES - 1] = (y[KEY_BYTES - 1] as number) & 0x7f;
  return SMALL_ORDER.has(y.toString('hex'));
}
