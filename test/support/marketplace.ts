import { MarketplaceExpiry } from '../../src/marketplace/marketplace-expiry';
import type { Answer, Person, TestApp } from './app';
import { until } from './eventually';
import { givesEnergy } from './market';

/** Lists an offer; the seller is given the energy first. Solar at 4 per kWh from now on, unless said otherwise. */
export async function offers(
  app: TestApp,
  seller: Person,
  amountKwh: string,
  { energySource = 'solar', ...terms }: Record<string, string> & { energySource?: 'solar' | 'wind' } = {},
): Promise<Record<string, string> & { id: string }> {
  await givesEnergy(app, seller, amountKwh, energySource);
  const { status, body } = await app.post('/api/offers', {
    as: seller,
    body: { energySource, amountKwh, pricePerKwh: '4', ...terms },
  });
  if (status !== 201) throw new Error(`the offer was refused: ${JSON.stringify(body)}`);
  return body;
}

/** Buys from an offer, whatever the answer. */
export function buys(
  app: TestApp,
  buyer: Person | undefined,
  offerId: string,
  amountKwh: string,
  headers?: Record<string, string>,
): Promise<Answer> {
  return app.post(`/api/offers/${offerId}/purchase`, { as: buyer, body: { amountKwh }, headers });
}

/** Places an order. */
export async function orders(
  app: TestApp,
  buyer: Person,
  body: Record<string, string>,
): Promise<Record<string, string> & { id: string }> {
  const answer = await app.post('/api/orders', { as: buyer, body });
  if (answer.status !== 201) throw new Error(`the order was refused: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Puts the window of an offer into the past, as if that much time had gone by. */
export async function letOfferEnd(app: TestApp, id: string): Promise<void> {
  await app.database.query(
    `UPDATE energy_offers SET available_from = now() - interval '2 hours', available_until = now() - interval '1 second' WHERE id = $1`,
    [id],
  );
}

/** Puts the end of an order into the past. */
export async function letOrderEnd(app: TestApp, id: string): Promise<void> {
  await app.database.query(
    `UPDATE energy_orders SET expires_at = now() - interval '1 second' WHERE id = $1`,
    [id],
  );
}

const DUE = `SELECT id FROM energy_offers WHERE status = 'active' AND available_until <= now()
  UNION ALL SELECT id FROM energy_orders WHERE status IN ('pending', 'partially_filled') AND expires_at <= now()`;

/** Runs what the application runs every minute, which may be at it too: what that one has locked is passed over here. */
export async function expiryRuns(app: TestApp): Promise<void> {
  await app.nest.get(MarketplaceExpiry).run();
  await until(async () => (await app.database.query(DUE)).length === 0);
}

/**
 * What users have reserved is what their active offers still hold and what their open orders reserved, per
 * user and asset: nothing is left behind, nothing promised twice. Only where nothing else reserves.
 */
export async function expectReservationsToMatch(app: TestApp): Promise<void> {
  const unexplained = await app.database.query(
    `SELECT user_id, asset, sum(amount) AS unexplained FROM (
       SELECT user_id, asset, balance AS amount FROM ledger_accounts WHERE bucket = 'reserved' AND user_id IS NOT NULL
       UNION ALL
       SELECT seller_id, 'energy:' || energy_source, -remaining_wh FROM energy_offers WHERE status = 'active'
       UNION ALL
       SELECT buyer_id, 'THB', -reserved_amount FROM energy_orders) reservations
      GROUP BY user_id, asset HAVING sum(amount) <> 0`,
  );
  expect(unexplained).toEqual([]);
}
