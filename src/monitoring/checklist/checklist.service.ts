import { Inject, Injectable } from '@nestjs/common';
import { CacheService } from '../../cache/cache.service';
import { CONFIG, type Config } from '../../config/config';
import { RELEASE } from '../../config/release';
import { DatabaseService } from '../../database/database.service';
import { ReservedDatabase } from '../../database/reserved-database';
import { withinDeadline } from '../../common/deadline';
import { ReportDatabase } from '../reports/report-database';
import { judgeAll, reportsOf, roleOf, summaryOf, type ChecklistAnswer } from './checklist';
import { RegistrySight } from './metrics-sight';
import type { Sight } from './sight';
import { StatementWatch } from './statement-watch';

/** A pool that gives no connection in that time is what the box has to tell. */
const SETTING_MS = 2_000;

/** Answers the checklists of the guides from what is live in this process and its database. */
@Injectable()
export class ChecklistService {
  /** Who asks while it is being answered is given the same: reading everything twice at once helps nobody. */
  private answering: Promise<ChecklistAnswer> | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: DatabaseService,
    private readonly reserved: ReservedDatabase,
    private readonly reports: ReportDatabase,
    private readonly cache: CacheService,
    private readonly metrics: RegistrySight,
    private readonly statements: StatementWatch,
  ) {}

  read(): Promise<ChecklistAnswer> {
    this.answering ??= this.answer().finally(() => (this.answering = undefined));
    return this.answering;
  }

  private async answer(): Promise<ChecklistAnswer> {
    const boxes = await judgeAll(await this.sight());
    return {
      asOf: new Date().toISOString(),
      release: RELEASE,
      ofServer: true,
      summary: summaryOf(boxes),
      boxes,
    };
  }

  /** What this process and its database show from now on, for one checklist. */
  async sight(): Promise<Sight> {
    const cache = this.cache.stats();
    const settings = new Map<string, Promise<string>>();
    return {
      ...(await reportsOf(this.reports, this.database.poolState())),
      environment: this.config.environment,
      applicationRole: () => roleOf((text) => this.reserved.query(text)),
      showSetting: (name) => {
        let setting = settings.get(name);
        if (setting === undefined) settings.set(name, (setting = this.inTime(name)));
        return setting;
      },
      server: {
        cache: () => cache,
        statements: this.statements.lately(),
        metrics: this.metrics,
      },
    };
  }

  /** A question that nobody waits for any more still stands in the pool's queue, so there is one of each at most. */
  private inTime(name: string): Promise<string> {
    return withinDeadline(this.show(name), SETTING_MS, 'The connection pool');
  }

  private async show(name: string): Promise<string> {
    const [row] = await this.database.query<{ setting: string }>('SELECT current_setting($1) AS setting', [
      name,
    ]);
    if (row === undefined) throw new Error(`PostgreSQL has no setting ${name}`);
    return row.setting;
  }
}
