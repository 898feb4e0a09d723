import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import type { Registration } from './dto/auth.schemas';
import { EmailVerificationService } from './email-verification.service';
import { insertUser } from './new-user';
import { hashPassword } from './passwords';
import { userView, type UserView } from './user-view';

/** How people come in. */
@Injectable()
export class RegistrationService {
  constructor(
    private readonly database: DatabaseService,
    private readonly verification: EmailVerificationService,
  ) {}

  /**
   * Opens an account and mails a token to verify its e-mail address.
   * @throws EmailTaken, UsernameTaken
   */
  async register({ email, username, password, role }: Registration): Promise<UserView> {
    const passwordHash = await hashPassword(password);
    return this.database.transaction(async (tx) => {
      const user = await insertUser(tx, { email, username, passwordHash, role, emailVerified: false });
      await this.verification.begin(tx, user);
      return userView(user);
    });
  }
}
