import { Injectable } from '@nestjs/common';
import type { AccessClaims } from '../auth/access-tokens';
import type { Principal, Role } from '../auth/principal';
import { SessionVerifier } from '../auth/session-verifier';
import { DatabaseService } from '../database/database.service';
import { permissions, session, UsersCache, type Permissions, type SessionEnd } from './users.cache';

type Verified = Omit<Principal, 'requestId'>;

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
  constructor(
    private readonly database: DatabaseService,
    private readonly cache: UsersCache,
  ) {
    super();
  }

  async verify(claims: AccessClaims): Promise<Verified | undefined> {
    const rights = this.cache.isShared ? await this.cachedRights(claims) : await this.rights(claims);
    return rights === null ? undefined : { ...claims, ...rights };
  }

  private async cachedRights({ userId, sessionId }: AccessClaims): Promise<Permissions> {
    const [ends, rights] = await Promise.all([
      this.cache.getOrCompute(session(sessionId, userId), () => this.endOf(userId, sessionId)),
      this.cache.getOrCompute(permissions(userId), () => this.rightsOf(userId)),
    ]);
    if (ends === null) return null;
    // It came to the end that was known while we asked: a refresh may have moved that.
    return Date.parse(ends) > Date.now() ? rights : this.rights({ userId, sessionId });
  }

  private async rights({ userId, sessionId }: AccessClaims): Promise<Permissions> {
    const rows = await this.database.query<RightsRow>(
      `SELECT u.role, u.organization_id, u.email_verified FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.id = $1 AND s.user_id = $2 AND s.expires_at > now() AND u.is_active`,
      [sessionId, userId],
    );
    return permissionsOf(rows);
  }

  private async endOf(userId: string, sessionId: string): Promise<SessionEnd> {
    const [row] = await this.database.query<{ expires_at: Date }>(
      'SELECT expires_at FROM sessions WHERE id = $1 AND user_id = $2',
      [sessionId, userId],
    );
    return row?.expires_at.toISOString() ?? null;
  }

  private async rightsOf(userId: string): Promise<Permissions> {
    const rows = await this.database.query<RightsRow>(
      'SELECT role, organization_id, email_verified FROM users WHERE id = $1 AND is_active',
      [userId],
    );
    return permissionsOf(rows);
  }
}

function permissionsOf([row]: readonly RightsRow[]): Permissions {
  if (row === undefined) return null;
  return { role: row.role, organizationId: row.organization_id, emailVerified: row.email_verified };
}
