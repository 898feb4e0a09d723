import { Injectable } from '@nestjs/common';
import { maySee, type Principal } from '../auth/principal';
import { CacheService } from '../cache/cache.service';
import { pageOf, type Page } from '../common/cursor';
import { NotFound } from '../common/domain-error';
import { DatabaseService } from '../database/database.service';
import { recentMonthsFirst, type Span } from '../database/recent-months';
import {
  readingView,
  statsView,
  type DayRow,
  type MeterStats,
  type ReadingRow,
  type ReadingView,
} from './meter-views';
import { meterStats } from './meters.cache';
import { MetersService } from './meters.service';
import { readingsPage, spanOf, type ReadingSelection, type ReadingsOf } from './readings-page';

/** Of one meter, or else of a user, the caller unless said. */
export interface ReadingFilter extends ReadingSelection {
  readonly meterId?: string | undefined;
  readonly userId?: string | undefined;
}

const DAYS_SHOWN = 1_000;

/** What meters counted, for those whose it is. */
@Injectable()
export class ReadingsService {
  constructor(
    private readonly database: DatabaseService,
    private readonly cache: CacheService,
    private readonly meters: MetersService,
  ) {}

  /**
   * Of one meter, or of all that a user has; the newest interval first.
   * @throws NotFound for a meter or user that the principal may not see
   */
  async list(principal: Principal, filter: ReadingFilter): Promise<Page<ReadingView>> {
    const of = await this.asked(principal, filter);
    const read = (span: Span) => {
      const { text, values } = readingsPage(of, filter, span);
      return this.database.query<ReadingRow>(text, values);
    };
    const { limit } = filter;
    const rows = await recentMonthsFirst(spanOf(filter, new Date()), read, (found) => found.length > limit);
    const positionOf = (row: ReadingRow) => [row.interval_start.toISOString(), row.meter_id];
    return pageOf(rows, limit, positionOf, readingView);
  }

  /**
   * Sums over all readings of a user, kept for ten minutes or until a reading or mint changes them.
   * @throws NotFound USER_NOT_FOUND for a user whom the principal may not see
   */
  stats(principal: Principal, userId: string | undefined): Promise<MeterStats> {
    const owner = userOf(principal, userId);
    return this.cache.getOrCompute(meterStats(owner), () => this.sumUp(owner));
  }

  private async asked(principal: Principal, { meterId, userId }: ReadingFilter): Promise<ReadingsOf> {
    if (meterId === undefined) return { userId: userOf(principal, userId) };
    await this.meters.find(principal, meterId);
    return { meterId };
  }

  private async sumUp(userId: string): Promise<MeterStats> {
    const zones = await this.database.query<{ time_zone: string }>(
      'SELECT DISTINCT time_zone FROM meters WHERE owner_id = $1 LIMIT 2',
      [userId],
    );
    const timeZone = zones.length === 1 ? (zones[0] as { time_zone: string }).time_zone : 'UTC';
    const days = await this.database.query<DayRow>(
      `SELECT day::text, readings, generated_wh::bigint, consumed_wh::bigint, surplus_wh::bigint, minted_wh::bigint
         FROM (SELECT (interval_start AT TIME ZONE $2)::date AS day, count(*) AS readings,
                      sum(generated_wh) AS generated_wh, sum(consumed_wh) AS consumed_wh, sum(surplus_wh) AS surplus_wh,
                      coalesce(sum(surplus_wh) FILTER (WHERE minted), 0) AS minted_wh
                 FROM meter_readings WHERE user_id = $1 GROUP BY 1) AS by_day
        ORDER BY by_day.day`,
      [userId, timeZone],
    );
    return statsView(userId, timeZone, days, DAYS_SHOWN);
  }
}

/** @throws NotFound USER_NOT_FOUND */
function userOf(principal: Principal, userId: string = principal.userId): string {
  if (!maySee(principal, userId)) throw new NotFound('user');
  return userId;
}
