import { Client } from 'pg';
import type { DatabaseUrls } from '../src/database/database.module';
import { newId } from '../src/common/id';

const OFFERS = 24;
/** The public list of them: about 7 kB as JSON. */
export const LISTED_OFFERS_PATH = `/api/offers?limit=${OFFERS}`;

/** Lists offers of one seller, straight into their table: they are read, never sold. */
export async function listOffers({ ownerUrl }: DatabaseUrls): Promise<void> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const seller = newId();
    await client.query(
      `INSERT INTO users (id, email, username, password_hash, role, email_verified, is_active, created_at, updated_at)
       VALUES ($1, 'seller@example.org', 'seller', 'none', 'prosumer', true, true, now(), now())`,
      [seller],
    );
    await client.query(
      `INSERT INTO energy_offers (id, seller_id, energy_source, amount_wh, remaining_wh, price_per_kwh,
                                  available_from, available_until, status, created_at, updated_at)
       SELECT id, $1, 'solar', 12500, 12500, 1000 * (2500 + no), now(), now() + interval '30 days', 'active', now(), now()
         FROM unnest($2::uuid[]) WITH ORDINALITY AS listed(id, no)`,
      [seller, Array.from({ length: OFFERS }, () => newId())],
    );
  } finally {
    await client.end();
  }
}
