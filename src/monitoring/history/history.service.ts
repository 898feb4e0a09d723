import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config';
import { DATABASE_URLS, type DatabaseUrls } from '../../database/database.module';
import { reasonOf } from '../../database/failures';
import { JobsService } from '../../jobs/jobs.service';
import { takeSnapshot } from './snapshot';

/**
 * Keeps what PostgreSQL has counted, minute by minute. It is a recurring job like all others: they come to one process of
 * all, are seen in the reports on jobs, and need no connection between two of them, which a timer that holds a lock does. Two
 * processes that come in one minute all the same take one snapshot.
 */
@Injectable()
export class HistoryService implements OnModuleInit {
  private readonly logger = new Logger('History');
  private failing = false;
  private toldOfStatements = false;

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'environment'>,
    @Inject(DATABASE_URLS) private readonly urls: Pick<DatabaseUrls, 'ownerUrl'>,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.declareRecurring('monitoring.history', '* * * * *', () => this.run());
  }

  /** Never fails: the next minute is the next attempt, and what came meanwhile is in the difference that it takes. */
  async run(): Promise<void> {
    try {
      const taken = await takeSnapshot(this.urls.ownerUrl, this.config.environment.MONITORING_RETENTION_DAYS);
      if (this.failing) this.logger.log('The history of the database goes on');
      this.failing = false;
      if (taken?.statements === false) this.tellOfStatements();
    } catch (error) {
      if (!this.failing)
        this.logger.warn(`The history of the database has a gap from now on: ${reasonOf(error)}`);
      this.failing = true;
    }
  }

  private tellOfStatements(): void {
    if (!this.toldOfStatements)
      this.logger.warn(
        'The history is without statements: pg_stat_statements is not installed in this database, or not loaded',
      );
    this.toldOfStatements = true;
  }
}
