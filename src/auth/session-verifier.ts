import type { AccessClaims } from './access-tokens';
import type { Principal } from './principal';

/**
 * Tells whether the session of an access token still lives, and with which rights. The users module
 * provides it: a closed session, a deactivated user or a changed role counts at once.
 */
export abstract class SessionVerifier {
  /** @param isReserved whether it must be told while requests use up the connections to the database */
  abstract verify(
    claims: AccessClaims,
    isReserved: boolean,
  ): Promise<Omit<Principal, 'requestId'> | undefined>;
}
