import { encodeCursor } from '../../src/common/cursor';
import { recentMonthsFirst } from '../../src/database/recent-months';
import { readingView, type ReadingRow } from '../../src/meters/meter-views';
import { readingsPage, spanOf, type ReadingSelection } from '../../src/meters/readings-page';
import { PAGE } from './page';
import { sampled, type HotQuery, type Question } from './hot-query';

/** GET /api/meters/readings: a page of somebody's readings, the newest first. */
export const readingList: HotQuery<ReadingRow> = {
  name: 'readings',
  title: 'Reading list',
  table: 'meter_readings',
  kind: 'list',
  answerRows: PAGE + 1,
  sizes: (rows) => ({
    readings: rows,
    others: rows / 50,
    only: ['meter_readings'],
  }),

  async draw(client, rows, count) {
    const { rows: readings } = await client.query<Place>(
      `SELECT user_id, meter_id, interval_start FROM ${sampled('meter_readings', rows, count)} LIMIT ${count}`,
    );
    return readings.map((place, number) => pageOf(place, number));
  },

  view: readingView,
};

type Place = Pick<ReadingRow, 'user_id' | 'meter_id' | 'interval_start'>;

/** Every other time the first page, else one that begins at a reading. */
function pageOf({ user_id: userId, ...place }: Place, number: number): Question<ReadingRow> {
  const cursor =
    number % 2 === 0 ? undefined : encodeCursor([place.interval_start.toISOString(), place.meter_id]);
  const selection: ReadingSelection = { limit: PAGE, cursor };
  return {
    ask: (ask) =>
      recentMonthsFirst(
        spanOf(selection, new Date()),
        (span) => ask<ReadingRow>(readingsPage({ userId }, selection, span)),
        (found) => found.length > PAGE,
      ),
  };
}
