import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import PgBoss from 'pg-boss';
import { QuietPeriod } from '../common/quiet-period';
import { inContext } from '../common/request-context';
import { DATABASE_URLS, type DatabaseUrls } from '../database/database.module';
import { reasonOf } from '../database/failures';
import type { Transaction } from '../database/transaction';
import { InFlight } from './in-flight';
import { makeQueues } from './job-rights';
import { JobsDatabase } from './jobs-database';

/** Jobs that take longer are cut off and run again elsewhere: the process has ten seconds to end, requests first. */
const SHUTDOWN_MS = 2_000;
const POLL_SECONDS = 0.5;
/** Recurring jobs come by the minute. */
const RECURRING_POLL_SECONDS = 5;
/** Jobs of one name that a process works on at the same time. */
const AT_ONCE = 5;

/** A job that something enqueues. */
const ENQUEUED = { retryLimit: 8, retryBackoff: true, retryDelay: 2, expireInSeconds: 120 } as const;

/** How long after one complaint about the database the next ones are left out. */
const QUIET_MS = 60_000;

type Handler = (data: object) => Promise<void>;
type Surrounding = (name: string, run: () => Promise<void>) => Promise<void>;

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
  /** Who works in this process, by the name of the job. */
  private readonly workers = new Map<string, string>();
  /** Jobs of this process, and the statements that fetch and end them. */
  private readonly inFlight = new InFlight();
  private readonly connections: JobsDatabase;
  private readonly boss: PgBoss;
  private readonly quiet = new QuietPeriod(QUIET_MS);
  private surrounding: Surrounding = (name, run) => inContext({ work: `job ${name}` }, run);
  private stopping = false;

  constructor(@Inject(DATABASE_URLS) private readonly urls: DatabaseUrls) {
    this.connections = new JobsDatabase(urls.ownerUrl, (error) => this.complain(error), this.inFlight);
    this.boss = new PgBoss({ db: this.connections as PgBoss.Db });
    this.boss.on('error', (error) => this.complain(error));
  }

  /** A job that `enqueue` starts. Declare it in onModuleInit. It may run twice, so it must bear that. */
  declare(name: string, handle: Handler): void {
    this.declared.push({ name, handle });
  }

  /** A job that runs by the clock (cron, UTC, by the minute), on one process of all. */
  declareRecurring(name: string, cron: string, handle: () => Promise<void>): void {
    this.declared.push({ name, handle, cron });
  }

  /** From now on every run of a job is begun by this; it passes on what the run throws. For traces. */
  surround(surrounding: Surrounding): void {
    this.surrounding = surrounding;
  }

  /** Enqueues a declared job with the transaction: it runs if and only if that commits. */
  async enqueue(tx: Transaction, name: string, data: object): Promise<void> {
    const id = await this.boss.send(name, data, { ...ENQUEUED, db: within(tx) });
    if (id === null) throw new Error(`Job ${name} was not taken by its queue`);
    tx.afterCommit(() => this.wake(name));
  }

  /**
   * Enqueues a declared job that is done once for all who ask for it about one thing: at once, and for those who ask
   * within `seconds` of that once more, when they are over.
   * @param about what the job is asked for: others do not wait for it
   */
  async enqueueOnce(
    tx: Transaction,
    name: string,
    about: string,
    seconds: number,
    data: object,
  ): Promise<void> {
    await this.boss.sendDebounced(name, data, { ...ENQUEUED, db: within(tx) }, seconds, about);
    tx.afterCommit(() => this.wake(name));
  }

  async onModuleInit(): Promise<void> {
    await this.boss.start();
  }

  async onApplicationBootstrap(): Promise<void> {
    await makeQueues(this.urls, async () => {
      for (const { name } of this.declared) await this.boss.createQueue(name);
    });
    for (const job of this.declared) {
      await this.work(job);
      if (job.cron !== undefined) await this.boss.schedule(job.name, job.cron);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping = true;
    this.connections.stopWaiting();
    await this.boss.stop({ graceful: true, timeout: SHUTDOWN_MS });
    // pg-boss does not wait for what it was fetching when it was told to stop: such a job would be left half done, a pool that
    // is ended gives no connection to those that wait for one.
    await this.inFlight.settle(SHUTDOWN_MS);
    await this.connections.close();
  }

  private async work({ name, handle, cron }: Job): Promise<void> {
    const options = {
      pollingIntervalSeconds: cron === undefined ? POLL_SECONDS : RECURRING_POLL_SECONDS,
      batchSize: AT_ONCE,
    };
    const worker = await this.boss.work(name, options, async (jobs) => {
      const runs = jobs.map(({ id, data }) => this.run(name, handle, id, data as object));
      await this.inFlight.track(Promise.all(runs));
      if (jobs.length === AT_ONCE) this.wake(name); // there may be more
    });
    this.workers.set(name, worker);
  }

  /** Lets this process look for jobs now; others find what it leaves at their next poll. */
  private wake(name: string): void {
    const worker = this.workers.get(name);
    if (worker !== undefined) this.boss.notifyWorker(worker);
  }

  /** Once in a while: every queue asks on its own, and an outage of the database is one thing to say. */
  private complain(error: unknown): void {
    if (this.stopping || this.quiet.pass() === undefined) return;
    this.logger.warn(`Jobs wait, the database did not answer: ${reasonOf(error)}`);
  }

  /** A job that fails does so alone: those that were fetched with it are done. */
  private async run(name: string, handle: Handler, id: string, data: object): Promise<void> {
    try {
      await this.surrounding(name, () => handle(data));
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      this.logger.warn(`Job ${name} failed and will be tried again: ${failure.message}`);
      await this.boss.fail(name, id, { message: failure.message });
    }
  }
}

/** Lets pg-boss write with a transaction of ours. */
const within = (tx: Transaction): PgBoss.Db => ({
  executeSql: async (text, values) => ({ rows: await tx.manager.query<unknown[]>(text, values) }),
});
