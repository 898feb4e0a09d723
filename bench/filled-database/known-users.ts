/** Somebody of the filled database whom tests and benchmarks can name. */
export interface KnownUser {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly role: 'admin' | 'operator' | 'auditor' | 'prosumer' | 'consumer';
}

/** Ids of the first of January 2020: before all others, as the first users' are. */
const known = (number: number, name: string, role: KnownUser['role']): KnownUser => ({
  id: `016f5e66-e800-7000-8000-00000000000${number}`,
  email: `${name}@filled.example.org`,
  username: name,
  role,
});

/** The one who has most of everything: thousands of readings, orders and trades. */
export const HEAVY_USER = known(0, 'heavy', 'prosumer');

/** By their numbers among the users. They have no password that anybody knows: open sessions for them. */
export const KNOWN_USERS = [
  HEAVY_USER,
  known(1, 'administrator', 'admin'),
  known(2, 'operator', 'operator'),
  known(3, 'auditor', 'auditor'),
  known(4, 'newcomer', 'consumer'),
] as const;
