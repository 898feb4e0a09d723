import { Injectable } from '@nestjs/common';
import { maySee, type Principal } from '../auth/principal';
import { CacheService } from '../cache/cache.service';
import {
  decodeCursor,
  INSTANT_SHAPE,
  pageOf,
  UUID_SHAPE,
  type Page,
  type PageRequest,
} from '../common/cursor';
import { NotFound } from '../common/domain-error';
import { DatabaseService } from '../database/database.service';
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

export interface ReadingFilter extends PageRequest {
  readonly meterId?: string | undefined;
  readonly userId?: string | undefined;
  /** Start of the first interval asked for. */
  readonly from?: Date | undefined;
  /** No interval that starts at or after it. */
  readonly to?: Date | undefined;
  readonly minted?: boolean | undefined;
}

/** Readings that start in [from, to) and come after a position in the list. */
interface Span {
  readonly from: Date;
  readonly to: Date;
  readonly before: Date;
  readonly beforeMeter: string;
  readonly limit: number;
}

const COLUMNS = `meter_id, interval_start, interval_minutes, generated_wh, consumed_wh, surplus_wh, quality,
  user_id, wallet_address, minted, mint_id, mint_tx_signature, certified`;
const DAYS_SHOWN = 1_000;
const BEGINNING = new Date('2000-01-01T00:00:00Z');
const END = new Date('9999-12-31T00:00:00Z');
const LAST_METER = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const MILLISECOND = 1;

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
    const { meterId, minted, limit } = filter;
    const span = spanOf(filter);
    let rows: ReadingRow[];
    if (meterId === undefined) rows = await this.ofUser(userOf(principal, filter.userId), minted, span);
    else {
      await this.meters.find(principal, meterId);
      rows = await this.ofMeter(meterId, minted, span);
    }
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

  private ofMeter(
    meterId: string,
    minted: boolean | undefined,
    { from, to, before, limit }: Span,
  ): Promise<ReadingRow[]> {
    return this.database.query<ReadingRow>(
      `SELECT ${COLUMNS} FROM meter_readings
        WHERE meter_id = $1 AND interval_start >= $2 AND interval_start < $3 AND interval_start < $4
          AND ($5::boolean IS NULL OR minted = $5)
        ORDER BY interval_start DESC LIMIT $6`,
      [meterId, from, to, before, minted ?? null, limit],
    );
  }

  private ofUser(
    userId: string,
    minted: boolean | undefined,
    { from, to, before, beforeMeter, limit }: Span,
  ): Promise<ReadingRow[]> {
    const select = `SELECT ${COLUMNS} FROM meter_readings
      WHERE user_id = $1 AND interval_start >= $2 AND interval_start < $3 AND (interval_start, meter_id) < ($4, $5)`;
    const newest = 'ORDER BY interval_start DESC, meter_id DESC LIMIT $6';
    const values = [userId, from, to, before, beforeMeter, limit];
    if (minted === undefined) return this.database.query<ReadingRow>(`${select} ${newest}`, values);
    return this.database.query<ReadingRow>(`${select} AND minted = $7 ${newest}`, [...values, minted]);
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

function spanOf({ from = BEGINNING, to = END, cursor, limit }: ReadingFilter): Span {
  const [before, beforeMeter] = cursor === undefined ? [] : decodeCursor(cursor, [INSTANT_SHAPE, UUID_SHAPE]);
  const position = before === undefined ? END : new Date(before);
  // The position bounds the span as well, which lets PostgreSQL leave out the months after it.
  const bound = new Date(Math.min(to.getTime(), position.getTime() + MILLISECOND));
  return { from, to: bound, before: position, beforeMeter: beforeMeter ?? LAST_METER, limit: limit + 1 };
}
