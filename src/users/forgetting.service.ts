import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import { JobsService } from '../jobs/jobs.service';

/** Forgets, every ten minutes, what has expired: sessions, mailed tokens, challenges and counted failures. */
@Injectable()
export class ForgettingService implements OnModuleInit {
  constructor(
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.declareRecurring('users.forget-expired', '*/10 * * * *', () => this.forgetExpired());
  }

  /** Each table in a transaction of its own: none waits for another. */
  async forgetExpired(): Promise<void> {
    for (const statement of [
      'DELETE FROM sessions WHERE expires_at <= now()',
      'DELETE FROM user_tokens WHERE expires_at <= now()',
      'DELETE FROM wallet_challenges WHERE expires_at <= now()',
      'DELETE FROM login_failures WHERE expires_at <= now()',
    ]) {
      await this.database.transaction((tx) => tx.query(statement));
    }
  }
}
