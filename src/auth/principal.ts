export const ROLES = ['admin', 'operator', 'auditor', 'prosumer', 'consumer', 'corporate'] as const;
export type Role = (typeof ROLES)[number];

/** Who asks: what a verified access token stands for, right now. */
export interface Principal {
  readonly userId: string;
  readonly role: Role;
  readonly organizationId: string | null;
  readonly sessionId: string;
  readonly emailVerified: boolean;
  readonly requestId: string;
}

/** Roles that see every participant's data. */
const READERS: readonly Role[] = ['admin', 'operator', 'auditor'];

/** Owners see their own; admins, operators and auditors see everybody's. */
export const seesEverything = (principal: Pick<Principal, 'role'>): boolean =>
  READERS.includes(principal.role);

/** True for the owner of a thing, and for those who see everything. */
export const maySee = (principal: Principal, ownerId: string): boolean =>
  principal.userId === ownerId || seesEverything(principal);
