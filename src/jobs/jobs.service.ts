import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import PgBoss from 'pg-boss';
import { DATABASE_URLS, type DatabaseUrls } from '../database/database.module';
import type { Transaction } from '../database/transaction';
import { makeQueues } from './job-rights';

const SHUTDOWN_MS = 5_000;

type Handler = (data: object) => Promise<void>;

interface Job {
  readonly name: string;
  readonly handle: Handler;
  readonly cron?: string | undefined;
}

/**
 * Work that must survive a crash, in PostgreSQL by pg-boss: shared by all processes, tried again when it
 * fails. Domains declare their jobs while the application boots; they run once it has booted.
 */
@Injectable()
export class JobsService implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Jobs');
  private readonly declared: Job[] = [];
  private readonly boss: PgBoss;

  constructor(@Inject(DATABASE_URLS) private readonly urls: DatabaseUrls) {
    // As the owner: pg-boss keeps a schema and a partition per queue of its own.
    this.boss = new PgBoss({ connectionString: urls.ownerUrl, application_name: 'gridtokenx jobs', max: 3 });
    this.boss.on('error', (error) =>
      this.logger.warn(`Jobs wait, the database did not answer: ${error.message}`),
    );
  }

  /** A job that `enqueue` starts. Declare it in onModuleInit. It may run twice, so it must bear that. */
  declare(name: string, handle: Handler): void {
    this.declared.push({ name, handle });
  }

  /** A job that runs by the clock (cron, UTC, by the minute), on one process of all. */
  declareRecurring(name: string, cron: string, handle: () => Promise<void>): void {
    this.declared.push({ name, handle, cron });
  }

  /** Enqueues a declared job with the transaction: it runs if and only if that commits. */
  async enqueue(tx: Transaction, name: string, data: object): Promise<void> {
    const db = {
      executeSql: async (text: string, values: unknown[]) => ({
        rows: await tx.manager.query<unknown[]>(text, values),
      }),
    };
    const id = await this.boss.send(name, data, {
      db,
      retryLimit: 8,
      retryBackoff: true,
      retryDelay: 2,
      expireInSeconds: 120,
    });
    if (id === null) throw new Error(`Job ${name} was not taken by its queue`);
  }

  async onModuleInit(): Promise<void> {
    await this.boss.start();
  }

  async onApplicationBootstrap(): Promise<void> {
    await makeQueues(this.urls, async () => {
      for (const { name } of this.declared) await this.boss.createQueue(name);
    });
    for (const { name, handle, cron } of this.declared) {
      await this.boss.work(name, { pollingIntervalSeconds: cron === undefined ? 0.5 : 5 }, async (jobs) => {
        for (const job of jobs) await this.run(name, handle, job.data as object);
      });
      if (cron !== undefined) await this.boss.schedule(name, cron);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.boss.stop({ graceful: true, close: true, timeout: SHUTDOWN_MS });
  }

  private async run(name: string, handle: Handler, data: object): Promise<void> {
    try {
      await handle(data);
    } catch (error) {
      this.logger.warn(
        `Job ${name} failed and will be tried again: ${error instanceof Error ? error.message : String(error)}`,
      );
      throw error;
    }
  }
}
