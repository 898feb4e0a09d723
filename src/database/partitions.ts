import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { DatabaseService } from './database.service';
import { sqlState } from './query-events';
import { SqlState } from './sql-states';

/** Tables that are partitioned by month, by the column that places a row. */
export const MONTHLY_TABLES = ['meter_readings', 'ledger_entries', 'audit_logs'] as const;
export type MonthlyTable = (typeof MONTHLY_TABLES)[number];

/**
 * A new partition takes a lock on the tables that its foreign keys point to, which an index build there keeps for as long
 * as it takes; who waits for it keeps their writers waiting. Below deadlock_timeout (1 s), so that the build, which waits
 * for our transaction in turn, is never the victim.
 */
const LOCK_TIMEOUT = '400ms';
const ATTEMPTS = 10;

const monthOf = (instant: Date): string => instant.toISOString().slice(0, 7);

/** The name of the partition that rows at an instant (UTC) belong to. */
export const partitionAt = (table: MonthlyTable, instant: Date): string =>
  `${table}_${monthOf(instant).replace('-', '_')}`;

/**
 * Makes monthly partitions before rows need them. The work is done by a function of the owner, since the
 * application's role may not create tables; see the migration that defines `ensure_month_partition`.
 */
@Injectable()
export class Partitions {
  private readonly known = new Set<string>();

  constructor(private readonly database: DatabaseService) {}

  /**
   * Makes the partitions that rows at these instants (UTC) belong to, in transactions of their own.
   * @throws what `databaseFailure` calls busy, while an index of a table that they refer to is being built
   */
  async ensure(table: MonthlyTable, instants: Iterable<Date>): Promise<void> {
    const months = new Set<string>();
    for (const instant of instants) months.add(monthOf(instant));
    for (const month of [...months].sort()) {
      const partition = `${table}:${month}`;
      if (this.known.has(partition)) continue;
      await this.make(table, month);
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

  private async make(table: MonthlyTable, month: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.database.transaction(async (tx) => {
          await tx.query(`SELECT set_config('lock_timeout', $1, true)`, [LOCK_TIMEOUT]);
          await tx.query('SELECT ensure_month_partition($1, $2::date)', [table, `${month}-01`]);
        });
      } catch (error) {
        if (sqlState(error) !== SqlState.LOCK_NOT_AVAILABLE || attempt === ATTEMPTS) throw error;
        // Those who queued behind us go first.
        await pause(100);
      }
    }
  }
}
