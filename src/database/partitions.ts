import { Injectable } from '@nestjs/common';
import { DatabaseService } from './database.service';

/** Tables that are partitioned by month, by the column that places a row. */
export type MonthlyTable = 'meter_readings' | 'ledger_entries' | 'audit_logs';

const monthOf = (instant: Date): string => instant.toISOString().slice(0, 7);

/**
 * Makes monthly partitions before rows need them. The work is done by a function of the owner, since the
 * application's role may not create tables; see the migration that defines `ensure_month_partition`.
 */
@Injectable()
export class Partitions {
  private readonly known = new Set<string>();

  constructor(private readonly database: DatabaseService) {}

  /** Makes the partitions that rows at these instants (UTC) belong to, in transactions of their own. */
  async ensure(table: MonthlyTable, instants: Iterable<Date>): Promise<void> {
    const months = new Set<string>();
    for (const instant of instants) months.add(monthOf(instant));
    for (const month of [...months].sort()) {
      const partition = `${table}:${month}`;
      if (this.known.has(partition)) continue;
      await this.database.query('SELECT ensure_month_partition($1, $2::date)', [table, `${month}-01`]);
      this.known.add(partition);
    }
  }

  /** Makes those of the current and the coming three months. */
  async ensureComing(table: MonthlyTable, from: Date): Promise<void> {
    const months = [0, 1, 2, 3].map(
      (ahead) => new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + ahead, 1)),
    );
    await this.ensure(table, months);
  }
}
