import type { AccessClaims } from './access-tokens';
import type { Principal } from './principal';

/**
 * Tells whether the session of an access token still lives, and with which rights. The users module
 * provides it: a closed session, a deactivated user or a changed role counts at once.
 */
export abstract class SessionVerifier {
  abstract verify(claims: AccessClaims): Promise<Omit<Principal, 'requestId'> | undefined>;
}
