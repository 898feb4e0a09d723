import { seesEverything, type Principal } from '../auth/principal';
import { NotFound } from '../common/domain-error';

/**
 * Whose orders or transactions are asked for: the caller's own, or those of a user whom somebody names who sees
 * everything.
 * @throws NotFound when anybody else names another user
 */
export function participantAsked(principal: Principal, userId: string | undefined): string {
  if (userId === undefined || userId === principal.userId) return principal.userId;
  if (!seesEverything(principal)) throw new NotFound('user');
  return userId;
}
