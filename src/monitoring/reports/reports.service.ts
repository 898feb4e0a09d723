import { Injectable } from '@nestjs/common';
import { NotFound } from '../../common/domain-error';
import { DatabaseService } from '../../database/database.service';
import { readQuery, type QueryAnswer } from './query-detail';
import type { AskedQuery, ReportQuery } from './report';
import { ReportDatabase } from './report-database';
import { readReport, sourceOf, type ReportAnswer } from './report-reader';
import { reportNamed } from './reports';

/** Answers the reports of the running server. */
@Injectable()
export class ReportsService {
  constructor(
    private readonly reports: ReportDatabase,
    private readonly database: DatabaseService,
  ) {}

  async read(name: string, query: AskedQuery): Promise<ReportAnswer> {
    const report = reportNamed(name);
    if (report === undefined) throw new NotFound('report');
    return readReport(report, await this.source(), query);
  }

  /** One statement by pg_stat_statements' identifier; where something is missing for it, what, and how to get it. */
  async query(id: string, window: Pick<ReportQuery, 'from' | 'to'>): Promise<QueryAnswer> {
    return readQuery(await this.source(), id, window);
  }

  private source() {
    return sourceOf(this.reports, this.database.poolState());
  }
}
