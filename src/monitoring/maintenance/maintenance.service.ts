import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service';
import { formatMilliseconds } from '../../common/figures';
import { DatabaseService } from '../../database/database.service';
import { reasonOf } from '../../database/failures';
import { readLiveTables, withPartitions } from '../../database/indexes/live-indexes';
import type { OwnerSession } from '../../database/schema/owner-session';
import { JobsService } from '../../jobs/jobs.service';
import {
  ANALYZE_SOON,
  REBUILD_BLOATED,
  VACUUM_ALL,
  workName,
  type MaintenanceTask,
} from './maintenance-tasks';
import { OwnerWork } from './owner-work';
import { rebuildBloated } from './rebuild-indexes';
import { vacuumTables } from './vacuum-tables';

/** Fewer rows than that leave the planner's statistics of a table that is in use good enough. */
const BULK_ROWS = 10_000;
/** Imports often come in pieces: whoever follows within that time shares an analysis with the others who do. */
const TOGETHER_S = 60;
/** A table of many partitions takes a sample of each: as a whole it changes by little in an hour. */
const WHOLE_TOGETHER_S = 3_600;
/** Whoever writes to more of them, such as by loading the history of years, is served as well by the whole. */
const MOST_PARTITIONS = 12;

/** What a run tells of itself; `failures` are sentences about what it had to leave. */
type Details = Readonly<Record<string, unknown>>;

/**
 * What the database needs to stay quick, done by jobs as its owner. Each run is one record of the audit trail, which
 * keeps it from being altered; the report `maintenance` shows the last ones.
 */
@Injectable()
export class MaintenanceService implements OnModuleInit {
  private readonly logger = new Logger('Maintenance');
  private analyses: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly jobs: JobsService,
    private readonly database: DatabaseService,
    private readonly audit: AuditService,
    private readonly work: OwnerWork,
  ) {}

  onModuleInit(): void {
    this.jobs.declareRecurring(VACUUM_ALL.name, VACUUM_ALL.schedule.cron, () => this.vacuumAll());
    this.jobs.declareRecurring(REBUILD_BLOATED.name, REBUILD_BLOATED.schedule.cron, () =>
      this.rebuildBloated(),
    );
    this.jobs.declare(ANALYZE_SOON.name, (data) => this.analyze((data as { table: string }).table));
  }

  /**
   * To be called after an import: lets a table be analysed where so many rows came that the planner's statistics tell of
   * another table. It is done by a job, once for all imports of a minute. Never fails: what was imported stays.
   * @param table of ours, by its name
   * @param rows that were added or changed
   * @param partitions they went to, where the table has such: these are analysed then, and the whole once an hour
   */
  async analyzeSoon(table: string, rows: number, partitions: readonly string[] = []): Promise<void> {
    if (rows < BULK_ROWS) return;
    const parts = partitions.length > MOST_PARTITIONS ? [] : partitions;
    try {
      await this.database.transaction(async (tx) => {
        const ask = (name: string, seconds: number): Promise<void> =>
          this.jobs.enqueueOnce(tx, ANALYZE_SOON.name, name, seconds, { table: name });
        await ask(table, partitions.length > 0 ? WHOLE_TOGETHER_S : TOGETHER_S);
        for (const partition of parts) await ask(partition, TOGETHER_S);
      });
    } catch (error) {
      this.logger.warn(`${table} is not analysed after an import: ${reasonOf(error)}`);
    }
  }

  /** Vacuums and analyses every table of ours. */
  async vacuumAll(): Promise<void> {
    await this.run(VACUUM_ALL, 'all tables', ({ runner }, signal) => vacuumTables(runner, signal));
  }

  /** Rebuilds every index of ours that holds too much of nothing. */
  async rebuildBloated(): Promise<void> {
    await this.run(REBUILD_BLOATED, 'all indexes', rebuildBloated);
  }

  /** One after the other: many at once would take from requests what they are to give them. */
  private analyze(name: string): Promise<void> {
    const mine = this.analyses.then(() => this.analyzeNow(name));
    this.analyses = mine.catch(() => undefined);
    return mine;
  }

  private async analyzeNow(name: string): Promise<void> {
    const ran = await this.run(ANALYZE_SOON, name, async ({ runner }) => {
      const tables = (await readLiveTables(runner)).flatMap(withPartitions);
      const table = tables.find((candidate) => candidate.name === name);
      if (table === undefined) throw new Error(`there is no table ${name}`);
      await runner.query(`ANALYZE ${table.sql}`);
      return {};
    });
    // It may have begun before the last rows came: pg-boss tries again a little later.
    if (!ran) throw new Error(`${name} is being analysed just now`);
  }

  /** @returns false when somebody else is at it */
  private async run(
    task: MaintenanceTask,
    about: string,
    work: (session: OwnerSession, signal: AbortSignal) => Promise<Details>,
  ): Promise<boolean> {
    const done = await this.work.alone(workName(task, about), async (session, signal) => {
      const began = Date.now();
      try {
        const details = await work(session, signal);
        await this.keep(task, task.done, about, began, details);
      } catch (error) {
        if (this.work.isUnfinished(error)) throw error;
        await this.keep(task, task.failed, about, began, { failures: [reasonOf(error)] });
      }
    });
    if (done === undefined) this.logger.log(`${task.name}: an earlier run is still at it`);
    return done !== undefined;
  }

  private async keep(
    task: MaintenanceTask,
    action: string,
    about: string,
    began: number,
    details: Details,
  ): Promise<void> {
    const durationMs = Date.now() - began;
    await this.database.transaction((tx) => {
      const after = { startedAt: new Date(began).toISOString(), durationMs, ...details };
      this.audit.record(tx, null, { action, entity: 'maintenance', entityId: about, after });
      return Promise.resolve();
    });
    const failures = (details['failures'] ?? []) as readonly string[];
    const sentence = `${task.title}, ${about}: ${action} in ${formatMilliseconds(durationMs)}`;
    if (failures.length === 0) this.logger.log(sentence);
    else this.logger.warn(`${sentence}, but ${failures.join('; ')}`);
  }
}
