import { z } from 'zod';
import { isWalletAddress } from '../wallet-signature';

/** Building blocks of the request schemas of accounts. PostgreSQL's text holds everything but NUL. */

const printable = (most: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(most)
    .regex(/^\P{Cc}*$/u, 'must not contain control characters');

export const email = () =>
  z.string().trim().max(254).pipe(z.email()).meta({ format: 'email', example: 'mali@example.org' });

/** Without an @, so that it is never taken for an e-mail address. */
export const username = () =>
  z
    .string()
    .trim()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{2,31}$/,
      'must be 3 to 32 letters, digits, dots, hyphens or underscores, and begin with a letter or digit',
    )
    .meta({ example: 'mali' });

/** A password somebody chooses. */
export const newPassword = () => z.string().min(10).max(128);
/** A password somebody claims to have. */
export const password = () => z.string().min(1).max(128);

export const personName = () => printable(100).nullable();
export const organizationName = () => printable(120);
export const searchText = () => printable(100);

/** A secret of ours: refresh tokens and mailed tokens. */
export const secret = () => z.string().min(1).max(200);

/** Base58 of 32 bytes. */
export const walletAddress = () =>
  z
    .string()
    .regex(/^[1-9A-HJ-NP-Za-km-z]{32,44}$/, 'must be an Ed25519 public key in base58, 32 to 44 characters')
    .refine(isWalletAddress, 'must be an Ed25519 public key of 32 bytes in base58')
    .meta({ example: '7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV' });

/** Base58 of 64 bytes. */
export const signature = () =>
  z.string().regex(/^[1-9A-HJ-NP-Za-km-z]{64,90}$/, 'must be an Ed25519 signature in base58');
