import { createHash, createHmac, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import bs58 from 'bs58';

const DOMAIN = 'replay.gridtokenx.example';
const LONGEST_USERNAME = 32;
/** The DER form of an Ed25519 private key (RFC 8410) up to its 32 bytes. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** How a household logs in. */
export interface Credentials {
  readonly email: string;
  readonly username: string;
  readonly password: string;
}

/** A household's wallet: an Ed25519 key pair, its address in base58. */
export interface Wallet {
  readonly address: string;
  /** @returns the signature in base58 */
  sign(message: string): string;
}

/**
 * A household's log-in, made from its meter's serial and a secret: whoever knows the secret can log in again
 * and nobody else can guess it. The example domain (RFC 2606) receives no mail.
 */
export function credentialsOf(serial: string, secret: string): Credentials {
  const username = usernameOf(serial);
  const email = `${username}@${DOMAIN}`;
  const password = derived(secret, `password of ${email}`).toString('base64url').slice(0, 24);
  return { email, username, password };
}

/** A household's wallet, made from the same things. */
export function walletOf({ email }: Credentials, secret: string): Wallet {
  const seed = derived(secret, `wallet of ${email}`);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  return {
    address: addressOf(key),
    sign: (message) => bs58.encode(sign(null, Buffer.from(message, 'utf8'), key)),
  };
}

const derived = (secret: string, purpose: string): Buffer =>
  createHmac('sha256', secret).update(purpose).digest();

function addressOf(key: KeyObject): string {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return bs58.encode(Buffer.from(x ?? '', 'base64url'));
}

/** Serials that are not names of users as they stand keep what they can, and a hash that tells them apart. */
function usernameOf(serial: string): string {
  const plain = serial.toLowerCase();
  if (/^[a-z0-9][a-z0-9._-]{2,31}$/.test(plain) && !plain.includes('..') && !plain.endsWith('.'))
    return plain;
  const hash = createHash('sha256').update(serial).digest('hex').slice(0, 10);
  const kept = plain.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '');
  return `${kept.slice(0, LONGEST_USERNAME - 1 - hash.length) || 'meter'}-${hash}`;
}
