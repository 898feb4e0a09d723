import type { Principal, Role } from '../auth/principal';

const MANAGERS: readonly Role[] = ['admin', 'operator'];

/** Operators and admins verify meters, register them for others, load history and mint for all. */
export const mayManageMeters = ({ role }: Pick<Principal, 'role'>): boolean => MANAGERS.includes(role);
