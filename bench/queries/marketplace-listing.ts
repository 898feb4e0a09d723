import { encodeCursor } from '../../src/common/cursor';
import { offerView, type OfferRow } from '../../src/marketplace/offer';
import { offersPage } from '../../src/marketplace/offer-listing';
import { PAGE } from './page';
import { sampled, sharing, type HotQuery, type Question } from './hot-query';

/** What part of all offers is on the market, at least. */
const ACTIVE = 0.005;

/** GET /api/offers?source=…&sort=price: a page of the active offers of one source, the cheapest first. */
export const marketplaceListing: HotQuery<OfferRow> = {
  name: 'listing',
  title: 'Marketplace listing',
  table: 'energy_offers',
  kind: 'list',
  answerRows: PAGE + 1,
  sizes: (rows) => ({
    readings: 0,
    others: 1_000,
    tables: { energy_offers: rows, users: sharing(rows, 500) },
    only: ['energy_offers'],
  }),

  async draw(pool, rows, count) {
    const { rows: offers } = await pool.query<Place>(
      `SELECT id, energy_source, price_per_kwh FROM ${sampled('energy_offers', rows * ACTIVE, count)}
        WHERE status = 'active' AND available_until > now() LIMIT ${count}`,
    );
    return offers.map((offer, number) => pageOf(offer, number));
  },

  view: offerView,
};

type Place = Pick<OfferRow, 'id' | 'energy_source' | 'price_per_kwh'>;

/** Every fourth time the first page, else the one behind the offer. */
function pageOf(
  { id, energy_source: source, price_per_kwh: price }: Place,
  number: number,
): Question<OfferRow> {
  const cursor = number % 4 === 0 ? undefined : encodeCursor([price.toString(), id]);
  return { ask: (ask) => ask<OfferRow>(offersPage({ source, sort: 'price', limit: PAGE, cursor })) };
}
