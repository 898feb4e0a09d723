import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import type { Statement } from '../database/statement';
import { LoginAttempts } from './login-attempts.service';
import { verifyPassword } from './passwords';
import { loginKey } from './secrets';
import { SessionsService, type TokenPair } from './sessions.service';
import { InvalidCredentials } from './users.errors';

interface Credentials {
  readonly id: string;
  readonly password_hash: string;
}

/** Log-in with a password. */
@Injectable()
export class LoginService implements OnModuleInit {
  constructor(
    private readonly database: DatabaseService,
    private readonly attempts: LoginAttempts,
    private readonly sessions: SessionsService,
  ) {}

  /** Even the first log-in of this process takes as long for nobody as for somebody. */
  async onModuleInit(): Promise<void> {
    await verifyPassword(undefined, '');
  }

  /**
   * Opens a session for whoever knows the password of an e-mail address or username.
   * @throws InvalidCredentials, alike in words and time, whether the password is wrong or nobody has that name
   * @throws LockedOut after five failures
   */
  async logIn(identifier: string, password: string, userAgent: string | undefined): Promise<TokenPair> {
    const tokens = await this.attempts.run(loginKey(identifier), async () => {
      const found = await this.find(identifier.toLowerCase());
      if (!(await verifyPassword(found?.password_hash, password)) || found === undefined) return undefined;
      return this.open(found, userAgent);
    });
    if (tokens === undefined) throw new InvalidCredentials();
    return tokens;
  }

  private async find(identifier: string): Promise<Credentials | undefined> {
    const { text, values } = credentialsOf(identifier);
    return (await this.database.query<Credentials>(text, values))[0];
  }

  /** The row is held while the session opens: a password that changes or a user who is shut out meanwhile wins. */
  private open(
    { id, password_hash: hash }: Credentials,
    userAgent: string | undefined,
  ): Promise<TokenPair | undefined> {
    return this.database.transaction(async (tx) => {
      const held = await tx.query(
        'SELECT id FROM users WHERE id = $1 AND password_hash = $2 AND is_active FOR SHARE',
        [id, hash],
      );
      return held.length === 0 ? undefined : this.sessions.open(tx, id, userAgent);
    });
  }
}

/**
 * Looks up whom a name belongs to. Only an e-mail address has an @; one look-up by index either way.
 * @param identifier in lower case by the same rule that failures are counted by: what PostgreSQL takes for another
 *   case of it would be counted apart
 */
export function credentialsOf(identifier: string): Statement {
  const text = identifier.includes('@')
    ? 'SELECT id, password_hash FROM users WHERE lower(email) = $1 AND is_active'
    : 'SELECT id, password_hash FROM users WHERE lower(username) = $1 AND is_active';
  return { text, values: [identifier] };
}
