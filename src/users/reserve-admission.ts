import QuickLRU from 'quick-lru';
import type { AccessClaims } from '../auth/access-tokens';
import { seesEverything } from '../auth/principal';
import type { Permissions } from './users.cache';

const MOST_STAFF = 1_000;
/** So many look-ups of one of them at once: more than a browser asks. */
const MOST_OF_ONE = 16;
const MOST_OTHERS = 10_000;
/** Whoever is made one of the staff is let in after that at the latest. */
const OTHERS_MS = 10_000;
/** So many of whom nothing is known are looked up at once. */
const MOST_UNKNOWN = 32;

type LookUp = () => Promise<Permissions>;

/**
 * Keeps the reserved connections for those whom the routes that want them are for: anybody who is registered can ask such
 * a route. It remembers who was of the staff, and who was not, and lets one look-up at a time tell of a user of whom it
 * knows neither. It decides by which way rights are looked up and never what they are.
 */
export class ReserveAdmission {
  private readonly staff = new QuickLRU<string, true>({ maxSize: MOST_STAFF });
  /** Users, and sessions that have ended. */
  private readonly others = new QuickLRU<string, true>({ maxSize: MOST_OTHERS, maxAge: OTHERS_MS });
  /** Look-ups that tell of users, and whether they could. */
  private readonly unknown = new Map<string, Promise<boolean>>();
  private readonly running = new Map<string, number>();

  /** Rights by one of two ways. Every request is answered by a look-up that began after it did. */
  async rightsOf(claims: AccessClaims, onReserve: LookUp, onPool: LookUp): Promise<Permissions> {
    const { userId, sessionId } = claims;
    while (!this.others.has(sessionId) && !this.others.has(userId)) {
      if (this.staff.has(userId)) return this.ofStaff(claims, onReserve, onPool);
      const first = this.unknown.get(userId);
      if (first === undefined) {
        if (this.unknown.size >= MOST_UNKNOWN) break;
        return this.ofUnknown(claims, onReserve);
      }
      if (!(await first)) break;
    }
    return this.learning(claims, onPool);
  }

  learn({ userId, sessionId }: AccessClaims, rights: Permissions): void {
    if (rights === null) {
      this.others.set(sessionId, true);
    } else if (seesEverything(rights)) {
      this.others.delete(userId);
      this.staff.set(userId, true);
    } else {
      this.staff.delete(userId);
      this.others.set(userId, true);
    }
  }

  private async learning(claims: AccessClaims, lookUp: LookUp): Promise<Permissions> {
    const rights = await lookUp();
    this.learn(claims, rights);
    return rights;
  }

  private async ofStaff(claims: AccessClaims, onReserve: LookUp, onPool: LookUp): Promise<Permissions> {
    const { userId } = claims;
    const before = this.running.get(userId) ?? 0;
    if (before >= MOST_OF_ONE) return this.learning(claims, onPool);
    this.running.set(userId, before + 1);
    try {
      return await this.learning(claims, onReserve);
    } finally {
      const left = (this.running.get(userId) ?? 1) - 1;
      if (left > 0) this.running.set(userId, left);
      else this.running.delete(userId);
    }
  }

  private async ofUnknown(claims: AccessClaims, onReserve: LookUp): Promise<Permissions> {
    const asked = this.learning(claims, onReserve);
    const told = asked.then(
      () => true,
      () => false,
    );
    this.unknown.set(claims.userId, told);
    try {
      return await asked;
    } finally {
      this.unknown.delete(claims.userId);
    }
  }
}
