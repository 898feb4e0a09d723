import { encodeCursor } from '../../src/common/cursor';
import { recentMonthsFirst, type Span } from '../../src/database/recent-months';
import { readingView, type ReadingRow } from '../../src/meters/meter-views';
import { readingsPage, spanOf, type ReadingSelection } from '../../src/meters/readings-page';
import { PAGE } from './page';
import { sharing, type Ask, type HotQuery, type Question } from './hot-query';

/** GET /api/meters/readings: a page of somebody's readings, the newest first. */
export const readingList: HotQuery<ReadingRow> = {
  name: 'readings',
  title: 'Reading list',
  table: 'meter_readings',
  kind: 'list',
  answerRows: PAGE + 1,
  sizes: (rows) => ({
    readings: rows,
    others: 1_000,
    tables: { meters: sharing(rows, 1_000), users: sharing(rows, 500) },
    only: ['meter_readings'],
  }),

  async draw(pool, _rows, count) {
    const { rows: readings } = await pool.query<Place>(PLACES, [count]);
    return readings.map((place) => pageOf(place));
  },

  view: readingView,
};

interface Place {
  readonly user_id: string;
  readonly meter_id: string;
  readonly interval_start: Date;
  /** Whether a meter of theirs still reports: who looks at the first page has one. */
  readonly is_live: boolean;
}

/** Everybody with readings once, and one of their readings. */
const PLACES = `
  SELECT o.owner_id AS user_id, r.meter_id, r.interval_start, r.last_start > now() - interval '2 days' AS is_live
    FROM (SELECT DISTINCT owner_id FROM meters) o
   CROSS JOIN LATERAL (SELECT meter_id, interval_start, max(interval_start) OVER () AS last_start
                         FROM meter_readings WHERE user_id = o.owner_id
                        ORDER BY hashtext(meter_id::text || interval_start) LIMIT 1) r
   ORDER BY hashtext(o.owner_id::text) LIMIT $1`;

function pageOf({
  user_id: userId,
  meter_id: meterId,
  interval_start: start,
  is_live: isLive,
}: Place): Question<ReadingRow> {
  const cursor = isLive ? undefined : encodeCursor([start.toISOString(), meterId]);
  const selection: ReadingSelection = { limit: PAGE, cursor };
  const read = (ask: Ask) => (span: Span) => ask<ReadingRow>(readingsPage({ userId }, selection, span));
  return {
    ask: (ask) => recentMonthsFirst(spanOf(selection, new Date()), read(ask), (found) => found.length > PAGE),
    askUnaided: (ask) => read(ask)(spanOf(selection, new Date())),
  };
}
