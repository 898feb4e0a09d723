import { randomBytes } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { CONFIG, type Config } from '../config/config';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { insertUser } from './new-user';
import { generatedPassword, hashPassword } from './passwords';
import { EmailTaken, UsernameTaken } from './users.errors';

/** Processes that start together ask for the same lock, so that one of them makes the administrator. */
const BOOTSTRAP_LOCK = 4_711_072_002;
const GENERATED_EMAIL = 'admin@gridtokenx.example';
const USERNAME = 'admin';

interface FirstAdmin {
  readonly email: string;
  readonly password: string;
  /** Nobody else knows the password: it has to be shown. */
  readonly generated: boolean;
}

/** Makes the first administrator, by ADMIN_EMAIL and ADMIN_PASSWORD or with a password shown once. */
@Injectable()
export class AdminBootstrap implements OnApplicationBootstrap {
  private readonly logger = new Logger('Admin');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: DatabaseService,
    private readonly audit: AuditService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (await this.hasAdmin()) return;
    await this.audit.prepareComingMonths(); // which module boots first is open
    const { ADMIN_EMAIL: email = GENERATED_EMAIL, ADMIN_PASSWORD: chosen } = this.config.environment;
    const password = chosen ?? generatedPassword();
    const admin: FirstAdmin = { email, password, generated: chosen === undefined };
    try {
      const made = await this.make(admin, await hashPassword(password));
      if (made && admin.generated) process.stdout.write(announcement(admin));
      if (made) this.logger.log(`Made the first administrator, ${email}`);
    } catch (error) {
      if (!(error instanceof EmailTaken || error instanceof UsernameTaken)) throw error;
      this.logger.warn(
        `There is no active administrator, and none was made because ${email} or the username ${USERNAME} belongs to another account: ` +
          'npm run admin:reset restores an administrator, another ADMIN_EMAIL makes a new one',
      );
    }
  }

  private async hasAdmin(): Promise<boolean> {
    return (
      (await this.database.query(`SELECT id FROM users WHERE role = 'admin' AND is_active LIMIT 1`)).length >
      0
    );
  }

  /** @returns false when another process was faster */
  private make({ email }: FirstAdmin, passwordHash: string): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock($1)', [BOOTSTRAP_LOCK]);
      const admins = await tx.query(`SELECT id FROM users WHERE role = 'admin' AND is_active LIMIT 1`);
      if (admins.length > 0) return false;
      const username = await this.freeUsername(tx);
      const user = await insertUser(tx, {
        email,
        username,
        passwordHash,
        role: 'admin',
        emailVerified: true,
      });
      const after = { email, username, role: 'admin' };
      this.audit.record(tx, null, { action: 'user.created', entity: 'users', entityId: user.id, after });
      return true;
    });
  }

  /** The name of the first administrator stays with an account that was deactivated. */
  private async freeUsername(tx: Transaction): Promise<string> {
    const taken = await tx.query('SELECT id FROM users WHERE lower(username) = $1', [USERNAME]);
    return taken.length === 0 ? USERNAME : `${USERNAME}-${randomBytes(3).toString('hex')}`;
  }
}

function announcement({ email, password }: FirstAdmin): string {
  const line = '='.repeat(64);
  return [
    '',
    line,
    ' First administrator. The password is shown this once, keep it:',
    '',
    `   e-mail    ${email}`,
    `   password  ${password}`,
    '',
    ' Lost it? npm run admin:reset',
    line,
    '',
    '',
  ].join('\n');
}
