import { z } from 'zod';
import { pageQuery, uuid } from '../../common/request-schemas';
import { email, newPassword, password, secret, signature, username, walletAddress } from './account.schemas';

/** Roles that people give themselves; all others are given by an administrator. */
const selfGivenRole = z.enum(['consumer', 'prosumer']).default('consumer');

export const registration = z.strictObject({
  email: email(),
  username: username(),
  password: newPassword(),
  role: selfGivenRole,
});
export type Registration = z.output<typeof registration>;

export const login = z.strictObject({
  identifier: z
    .string()
    .trim()
    .min(1)
    .max(254)
    .regex(/^\P{Cc}*$/u, 'must not contain control characters'),
  password: password(),
});
export type Login = z.output<typeof login>;

export const refresh = z.strictObject({ refreshToken: secret() });
export type Refresh = z.output<typeof refresh>;

export const logout = z.strictObject({ refreshToken: secret().optional() });
export type Logout = z.output<typeof logout>;

export const mailedToken = z.strictObject({ token: secret() });
export type MailedToken = z.output<typeof mailedToken>;

export const resendVerification = z.strictObject({ email: email().optional() });
export type ResendVerification = z.output<typeof resendVerification>;

export const forgottenPassword = z.strictObject({ email: email() });
export type ForgottenPassword = z.output<typeof forgottenPassword>;

export const passwordReset = z.strictObject({ token: secret(), password: newPassword() });
export type PasswordReset = z.output<typeof passwordReset>;

export const passwordChange = z.strictObject({ currentPassword: password(), newPassword: newPassword() });
export type PasswordChange = z.output<typeof passwordChange>;

export const walletChallenge = z.strictObject({ walletAddress: walletAddress() });
export type WalletChallengeRequest = z.output<typeof walletChallenge>;

export const walletLogin = z.strictObject({ walletAddress: walletAddress(), signature: signature() });
export type WalletLogin = z.output<typeof walletLogin>;

export const sessionParam = z.strictObject({ id: uuid() });
export const sessionQuery = z.strictObject({ ...pageQuery });
