import { Injectable } from '@nestjs/common';
import type { AccessClaims } from '../auth/access-tokens';
import type { Principal, Role } from '../auth/principal';
import { SessionVerifier } from '../auth/session-verifier';
import { withinDeadline } from '../common/deadline';
import { DatabaseService } from '../database/database.service';
import { ReservedDatabase } from '../database/reserved-database';
import { ReserveAdmission } from './reserve-admission';
import { permissions, session, UsersCache, type Permissions, type SessionEnd } from './users.cache';

type Verified = Omit<Principal, 'requestId'>;

/** Where the look-ups go. */
type Source = Pick<DatabaseService, 'query'>;

/** Rights that all processes share are found much sooner. */
const SHARED_MS = 1_000;

interface RightsRow {
  role: Role;
  organization_id: string | null;
  email_verified: boolean;
}

/**
 * Looks up session and rights for every request: by Redis where there is one, else in the database, so that
 * what has ended or changed counts at once in every process.
 */
@Injectable()
export class StoredSessionVerifier extends SessionVerifier {
  private readonly admission = new ReserveAdmission();

  constructor(
    private readonly database: DatabaseService,
    private readonly reserved: ReservedDatabase,
    private readonly cache: UsersCache,
  ) {
    super();
  }

  async verify(claims: AccessClaims, isReserved: boolean): Promise<Verified | undefined> {
    const rights = await (isReserved ? this.reservedRights(claims) : this.rights(claims));
    return rights === null ? undefined : { ...claims, ...rights };
  }

  /**
   * What is cached already is taken. But nobody waits for the load of somebody else, which may be in the queue of the pool,
   * nor lets others wait for one on the reserve: they would fail with it.
   */
  private async reservedRights(claims: AccessClaims): Promise<Permissions> {
    const known = await this.knownRights(claims);
    if (known !== undefined) {
      this.admission.learn(claims, known);
      return known;
    }
    return this.admission.rightsOf(
      claims,
      () => rightsBySession(claims, this.reserved),
      () => this.rights(claims),
    );
  }

  /** Undefined also where the cache does not answer: then the database does. */
  private async knownRights({ userId, sessionId }: AccessClaims): Promise<Permissions | undefined> {
    if (!this.cache.isShared) return undefined;
    const look = Promise.all([
      this.cache.known(session(sessionId, userId)),
      this.cache.known(permissions(userId)),
    ]);
    const [ends, rights] = await withinDeadline(look, SHARED_MS, 'The cache').catch(() => []);
    const isOver = typeof ends === 'string' && Date.parse(ends) <= Date.now();
    if (isOver || ends === undefined) return undefined;
    return ends === null ? null : rights;
  }

  private rights(claims: AccessClaims): Promise<Permissions> {
    return this.cache.isShared ? this.cachedRights(claims) : rightsBySession(claims, this.database);
  }

  private async cachedRights({ userId, sessionId }: AccessClaims): Promise<Permissions> {
    const [ends, rights] = await Promise.all([
      this.cache.getOrCompute(session(sessionId, userId), () => endOf(userId, sessionId, this.database)),
      this.cache.getOrCompute(permissions(userId), () => rightsOf(userId, this.database)),
    ]);
    if (ends === null) return null;
    // It came to the end that was known while we asked: a refresh may have moved that.
    return Date.parse(ends) > Date.now() ? rights : rightsBySession({ userId, sessionId }, this.database);
  }
}

async function rightsBySession(
  { userId, sessionId }: Pick<AccessClaims, 'userId' | 'sessionId'>,
  source: Source,
): Promise<Permissions> {
  const rows = await source.query<RightsRow>(
    `SELECT u.role, u.organization_id, u.email_verified FROM sessions s JOIN users u ON u.id = s.user_id
      WHERE s.id = $1 AND s.user_id = $2 AND s.expires_at > now() AND u.is_active`,
    [sessionId, userId],
  );
  return permissionsOf(rows);
}

async function endOf(userId: string, sessionId: string, source: Source): Promise<SessionEnd> {
  const [row] = await source.query<{ expires_at: Date }>(
    'SELECT expires_at FROM sessions WHERE id = $1 AND user_id = $2',
    [sessionId, userId],
  );
  return row?.expires_at.toISOString() ?? null;
}

async function rightsOf(userId: string, source: Source): Promise<Permissions> {
  const rows = await source.query<RightsRow>(
    'SELECT role, organization_id, email_verified FROM users WHERE id = $1 AND is_active',
    [userId],
  );
  return permissionsOf(rows);
}

function permissionsOf([row]: readonly RightsRow[]): Permissions {
  if (row === undefined) return null;
  return { role: row.role, organizationId: row.organization_id, emailVerified: row.email_verified };
}
