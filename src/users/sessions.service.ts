import { Injectable, Logger } from '@nestjs/common';
import { ACCESS_TOKEN_SECONDS, AccessTokens } from '../auth/access-tokens';
import type { Principal } from '../auth/principal';
import { AuditService } from '../audit/audit.service';
import { decodeCursor, pageOf, UUID_SHAPE, type Page, type PageRequest } from '../common/cursor';
import { NotFound } from '../common/domain-error';
import { newId } from '../common/id';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { digest, newSecret } from './secrets';
import { UsersCache } from './users.cache';
import { InvalidRefreshToken } from './users.errors';

/** What a client gets when it logs in or refreshes; `expiresIn` is the access token's life in seconds. */
export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresIn: number;
}

/** One log-in of a user, as its owner sees it. */
export interface SessionView {
  readonly id: string;
  readonly userAgent: string | null;
  readonly current: boolean;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
}

interface SessionRow {
  id: string;
  user_agent: string | null;
  created_at: Date;
  updated_at: Date;
  expires_at: Date;
}

const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const USER_AGENT_LENGTH = 200;

/**
 * Sessions: families of refresh tokens (RFC 9700, section 4.14.2). Each token is exchanged once; showing a
 * spent one again ends the session, since thief and owner cannot be told apart. A session ends 30 days after
 * its last refresh, and 90 days after log-in at the latest.
 */
@Injectable()
export class SessionsService {
  private readonly logger = new Logger('Sessions');

  constructor(
    private readonly database: DatabaseService,
    private readonly tokens: AccessTokens,
    private readonly cache: UsersCache,
    private readonly audit: AuditService,
  ) {}

  /** Opens a session for somebody who has just proved who they are, and whose row `tx` holds. */
  async open(tx: Transaction, userId: string, userAgent: string | undefined): Promise<TokenPair> {
    const sessionId = newId();
    const refreshToken = newSecret();
    await tx.query(
      `INSERT INTO sessions (id, user_id, refresh_token_hash, user_agent, expires_at)
       VALUES ($1, $2, $3, $4, now() + interval '30 days')`,
      [sessionId, userId, digest(refreshToken), userAgent?.slice(0, USER_AGENT_LENGTH) ?? null],
    );
    return this.pair(userId, sessionId, refreshToken);
  }

  /**
   * Exchanges a refresh token for a new pair; of several exchanges of one token exactly one succeeds.
   * @throws InvalidRefreshToken for one that is unknown, too old or spent; a spent one ends its session
   */
  async refresh(spent: string): Promise<TokenPair> {
    const refreshToken = newSecret();
    const rotated = await this.database.transaction((tx) =>
      this.rotate(tx, digest(spent), digest(refreshToken)),
    );
    if (rotated === undefined) throw new InvalidRefreshToken();
    return this.pair(rotated.user_id, rotated.id, refreshToken);
  }

  /** Ends the session of an access token, of a refresh token, or of both. */
  logOut(principal: Principal | undefined, refreshToken: string | undefined): Promise<void> {
    return this.database.transaction(async (tx) => {
      if (principal !== undefined) await this.end(tx, principal.userId, principal.sessionId);
      if (refreshToken === undefined) return;
      const [session] = await tx.query<{ id: string; user_id: string }>(
        'SELECT id, user_id FROM sessions WHERE refresh_token_hash = $1',
        [digest(refreshToken)],
      );
      if (session !== undefined) await this.end(tx, session.user_id, session.id);
    });
  }

  /** The user's open sessions, newest first. */
  async list({ userId, sessionId }: Principal, { limit, cursor }: PageRequest): Promise<Page<SessionView>> {
    const [before = LAST] = cursor === undefined ? [] : decodeCursor(cursor, [UUID_SHAPE]);
    const rows = await this.database.query<SessionRow>(
      `SELECT id, user_agent, created_at, updated_at, expires_at FROM sessions
        WHERE user_id = $1 AND id < $2 AND expires_at > now() ORDER BY id DESC LIMIT $3`,
      [userId, before, limit + 1],
    );
    return pageOf(
      rows,
      limit,
      ({ id }) => [id],
      (row) => sessionView(row, sessionId),
    );
  }

  /** @throws NotFound for a session that is not the user's */
  close(principal: Principal, sessionId: string): Promise<void> {
    return this.database.transaction(async (tx) => {
      if (!(await this.end(tx, principal.userId, sessionId))) throw new NotFound('session');
    });
  }

  /** Logs the user out everywhere, here included. */
  closeAll({ userId }: Principal): Promise<void> {
    return this.database.transaction((tx) => this.endAll(tx, userId));
  }

  /** Ends every session of a user, or every other than one. */
  async endAll(tx: Transaction, userId: string, except: string | null = null): Promise<void> {
    await tx.query('DELETE FROM sessions WHERE user_id = $1 AND ($2::uuid IS NULL OR id <> $2)', [
      userId,
      except,
    ]);
    this.cache.changed(tx, userId);
  }

  private async end(tx: Transaction, userId: string, sessionId: string): Promise<boolean> {
    const ended = await tx.query('DELETE FROM sessions WHERE id = $1 AND user_id = $2 RETURNING id', [
      sessionId,
      userId,
    ]);
    this.cache.changed(tx, userId);
    return ended.length > 0;
  }

  /** Does not throw for a spent token: what ends the session has to be committed. */
  private async rotate(
    tx: Transaction,
    spent: Buffer,
    next: Buffer,
  ): Promise<{ id: string; user_id: string } | undefined> {
    const [session] = await tx.query<{ id: string; user_id: string }>(
      `UPDATE sessions s
          SET refresh_token_hash = $2, updated_at = now(),
              expires_at = least(now() + interval '30 days', s.created_at + interval '90 days')
         FROM users u
        WHERE s.refresh_token_hash = $1 AND s.expires_at > now() AND u.id = s.user_id AND u.is_active
        RETURNING s.id, s.user_id`,
      [spent, next],
    );
    if (session === undefined) return this.endFamilyOf(tx, spent);
    await tx.query('INSERT INTO spent_refresh_tokens (token_hash, session_id) VALUES ($1, $2)', [
      spent,
      session.id,
    ]);
    return session;
  }

  private async endFamilyOf(tx: Transaction, spent: Buffer): Promise<undefined> {
    const [ended] = await tx.query<{ id: string; user_id: string }>(
      `DELETE FROM sessions WHERE id = (SELECT session_id FROM spent_refresh_tokens WHERE token_hash = $1)
       RETURNING id, user_id`,
      [spent],
    );
    if (ended === undefined) return;
    this.cache.changed(tx, ended.user_id);
    this.audit.record(tx, null, {
      action: 'session.revoked',
      entity: 'sessions',
      entityId: ended.id,
      after: { userId: ended.user_id, reason: 'a spent refresh token was shown again' },
    });
    tx.afterCommit(() =>
      this.logger.warn(`Session ${ended.id} ended: a spent refresh token was shown again`),
    );
  }

  private async pair(userId: string, sessionId: string, refreshToken: string): Promise<TokenPair> {
    const accessToken = await this.tokens.issue({ userId, sessionId });
    return { accessToken, refreshToken, expiresIn: ACCESS_TOKEN_SECONDS };
  }
}

function sessionView(row: SessionRow, currentId: string): SessionView {
  return {
    id: row.id,
    userAgent: row.user_agent,
    current: row.id === currentId,
    createdAt: row.created_at,
    lastUsedAt: row.updated_at,
    expiresAt: row.expires_at,
  };
}
