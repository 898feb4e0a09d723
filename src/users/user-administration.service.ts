import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import type { Principal } from '../auth/principal';
import { NotFound } from '../common/domain-error';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { keepAnAdmin } from './admins';
import type { UserChange } from './dto/users.schemas';
import { SessionsService } from './sessions.service';
import { USER_COLUMNS, userView, type UserRow, type UserView } from './user-view';
import { UsersCache } from './users.cache';
import { AccountClosed } from './users.errors';

/** What administrators do to users; every change is audited and counts at once. */
@Injectable()
export class UserAdministrationService {
  constructor(
    private readonly database: DatabaseService,
    private readonly sessions: SessionsService,
    private readonly cache: UsersCache,
    private readonly audit: AuditService,
  ) {}

  /**
   * Changes role, rights or name of a user; whoever is deactivated is logged out everywhere.
   * @throws NotFound, AccountClosed, and LastAdmin when nobody would be left to administer
   */
  change(admin: Principal, userId: string, change: UserChange): Promise<UserView> {
    return this.database.transaction(async (tx) => {
      const stopsAdministering =
        change.isActive === false || (change.role !== undefined && change.role !== 'admin');
      if (stopsAdministering) await keepAnAdmin(tx, userId);
      const before = await this.lock(tx, userId);
      const after = await this.write(tx, before, change);
      if (!after.is_active) await this.sessions.endAll(tx, userId);
      this.cache.changed(tx, userId);
      this.record(tx, admin, 'user.changed', before, after);
      return userView(after);
    });
  }

  /**
   * Puts a user into an organisation, or into none.
   * @throws NotFound for an unknown user or organisation; AccountClosed
   */
  assign(admin: Principal, userId: string, organizationId: string | null): Promise<UserView> {
    return this.database.transaction(async (tx) => {
      const before = await this.lock(tx, userId);
      if (organizationId !== null) await this.requireOrganization(tx, organizationId);
      const rows = await tx.query<UserRow>(
        `UPDATE users SET organization_id = $2, updated_at = now() WHERE id = $1 RETURNING ${USER_COLUMNS}`,
        [userId, organizationId],
      );
      const after = rows[0] as UserRow;
      this.cache.changed(tx, userId);
      this.record(tx, admin, 'user.assigned', before, after);
      return userView(after);
    });
  }

  private async lock(tx: Transaction, userId: string): Promise<UserRow> {
    const [user] = await tx.query<UserRow>(
      `SELECT ${USER_COLUMNS} FROM users WHERE id = $1 FOR NO KEY UPDATE`,
      [userId],
    );
    if (user === undefined) throw new NotFound('user');
    if (user.closed_at !== null) throw new AccountClosed();
    return user;
  }

  private async write(tx: Transaction, before: UserRow, change: UserChange): Promise<UserRow> {
    const rows = await tx.query<UserRow>(
      `UPDATE users SET role = $2::user_role, is_active = $3, email_verified = $4, first_name = $5, last_name = $6,
              updated_at = now()
        WHERE id = $1 RETURNING ${USER_COLUMNS}`,
      [
        before.id,
        change.role ?? before.role,
        change.isActive ?? before.is_active,
        change.emailVerified ?? before.email_verified,
        change.firstName === undefined ? before.first_name : change.firstName,
        change.lastName === undefined ? before.last_name : change.lastName,
      ],
    );
    return rows[0] as UserRow;
  }

  private async requireOrganization(tx: Transaction, organizationId: string): Promise<void> {
    const found = await tx.query('SELECT id FROM organizations WHERE id = $1', [organizationId]);
    if (found.length === 0) throw new NotFound('organization');
  }

  /** Records what differs; a change that changes nothing leaves no record. */
  private record(tx: Transaction, admin: Principal, action: string, before: UserRow, after: UserRow): void {
    const [was, is] = [userView(before), userView(after)];
    const changed = (Object.keys(is) as (keyof UserView)[]).filter((field) => was[field] !== is[field]);
    if (changed.length === 0) return;
    const only = (view: UserView) => Object.fromEntries(changed.map((field) => [field, view[field]]));
    this.audit.record(tx, admin, {
      action,
      entity: 'users',
      entityId: after.id,
      before: only(was),
      after: only(is),
    });
  }
}
