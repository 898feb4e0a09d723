import { randomBytes } from 'node:crypto';

/** Crockford's base 32: digits and capitals without I, L, O and U, so that nobody misreads a number aloud. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 6;

/**
 * A new number to call a certificate by, `ERC-2026-7K3M9Q`. It is drawn, not counted: a number tells nothing
 * about how many there are, and others cannot be found by counting on. 32^6 of them make a billion a year;
 * whoever stores one draws again when it is taken.
 */
export function drawCertificateNumber(issuedAt: Date): string {
  const drawn = Array.from(randomBytes(LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]);
  return `ERC-${issuedAt.getUTCFullYear()}-${drawn.join('')}`;
}

/**
 * A number as somebody typed it, in the form it is stored in: capitals, and the letters that the alphabet
 * leaves out read as the digits they look like.
 * @returns undefined when it cannot be the number of any certificate
 */
export function readCertificateNumber(typed: string): string | undefined {
  const [, year, drawn] = /^ERC-(\d{4})-([0-9A-Z]{6})$/.exec(typed.trim().toUpperCase()) ?? [];
  if (year === undefined || drawn === undefined) return undefined;
  const meant = drawn.replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  return meant.includes('U') ? undefined : `ERC-${year}-${meant}`;
}
