import { Injectable, type OnModuleInit } from '@nestjs/common';
import { inBatches } from '../database/batches';
import { DatabaseService } from '../database/database.service';
import { JobsService } from '../jobs/jobs.service';

/** How many rows one transaction forgets. */
const BATCH = 1_000;

/** By ctid, which is how PostgreSQL finds a row at once: the tables have keys of many kinds. */
const forget = (table: 'sessions' | 'user_tokens' | 'wallet_challenges' | 'login_failures'): string =>
  `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
     SELECT ctid FROM ${table} WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))
   RETURNING 1 AS forgotten`;

const STATEMENTS = [
  forget('sessions'),
  forget('user_tokens'),
  forget('wallet_challenges'),
  forget('login_failures'),
];

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

  /** In short transactions: whoever logs in meanwhile waits for none of them. */
  async forgetExpired(): Promise<void> {
    for (const statement of STATEMENTS) {
      await inBatches(this.database, BATCH, async (tx, size) => (await tx.query(statement, [size])).length);
    }
  }
}
