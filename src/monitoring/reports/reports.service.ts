import { Injectable } from '@nestjs/common';
import { InvalidInput, NotFound } from '../../common/domain-error';
import { DatabaseService } from '../../database/database.service';
import { asNotAvailable } from './not-available';
import { queryDetail } from './query-detail';
import type { ReportQuery } from './report';
import { ReportDatabase } from './report-database';
import { readReport, sourceOf, type ReportAnswer } from './report-reader';
import { reportNamed, REPORTS } from './reports';

/** Answers the reports of the running server. */
@Injectable()
export class ReportsService {
  constructor(
    private readonly reports: ReportDatabase,
    private readonly database: DatabaseService,
  ) {}

  /** What may be asked. */
  list() {
    return REPORTS.map(({ name, title, meaning, remedy, hasHistory = false }) => ({
      report: name,
      title,
      meaning,
      remedy,
      hasHistory,
    }));
  }

  async read(name: string, query: ReportQuery): Promise<ReportAnswer> {
    const report = reportNamed(name);
    if (report === undefined) throw new NotFound('report');
    if (report.hasHistory === undefined && (query.from ?? query.to) !== undefined)
      throw new InvalidInput([
        { field: query.from === undefined ? 'to' : 'from', detail: `${name} has no history: leave it out` },
      ]);
    return readReport(report, await this.source(), query);
  }

  /** One statement by pg_stat_statements' identifier; where something is missing for it, what, and how to get it. */
  async query(id: string, window: Pick<ReportQuery, 'from' | 'to'>) {
    try {
      return { available: true, ...(await queryDetail(await this.source(), id, window)) };
    } catch (error) {
      const absent = asNotAvailable(error);
      if (absent === undefined) throw error;
      const { missing, howTo } = absent;
      return { available: false, missing, howTo };
    }
  }

  private source() {
    return sourceOf(this.reports, this.database.poolState());
  }
}
