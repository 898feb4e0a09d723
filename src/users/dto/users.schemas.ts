import { z } from 'zod';
import { ROLES } from '../../auth/principal';
import { booleanQuery, pageQuery, uuid } from '../../common/request-schemas';
import {
  email,
  organizationName,
  password,
  personName,
  searchText,
  signature,
  username,
  walletAddress,
} from './account.schemas';

export const userParam = z.strictObject({ id: uuid() });

/** What users change about themselves; another e-mail address wants a fresh log-in or the password. */
export const profileChange = z.strictObject({
  firstName: personName().optional(),
  lastName: personName().optional(),
  username: username().optional(),
  email: email().optional(),
  currentPassword: password().optional(),
});
export type ProfileChange = z.output<typeof profileChange>;

export const closing = z.strictObject({ currentPassword: password().optional() });
export type Closing = z.output<typeof closing>;

export const walletLink = z.strictObject({
  walletAddress: walletAddress(),
  signature: signature(),
  currentPassword: password().optional(),
});
export type WalletLink = z.output<typeof walletLink>;

/** What an administrator changes about a user. */
export const userChange = z.strictObject({
  role: z.enum(ROLES).optional(),
  isActive: z.boolean().optional(),
  emailVerified: z.boolean().optional(),
  firstName: personName().optional(),
  lastName: personName().optional(),
});
export type UserChange = z.output<typeof userChange>;

export const userQuery = z.strictObject({
  ...pageQuery,
  role: z.enum(ROLES).optional(),
  emailVerified: booleanQuery().optional(),
  search: searchText().optional(),
});
export type UserQuery = z.output<typeof userQuery>;

export const membership = z.strictObject({ organizationId: uuid().nullable() });
export type Membership = z.output<typeof membership>;

export const newOrganization = z.strictObject({ name: organizationName() });
export type NewOrganization = z.output<typeof newOrganization>;

export const organizationQuery = z.strictObject({ ...pageQuery });
