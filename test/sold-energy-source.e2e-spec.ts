import { newId } from '../src/common/id';
import { migrate } from '../src/database/schema/migrate';
import { asOwner, emptyDatabase } from './support/database';

describe('the energy source of a sale', () => {
  it('is that of its offer for sales from before it was kept', async () => {
    const urls = await emptyDatabase();
    await migrate(urls.ownerUrl, urls.applicationUrl, { to: '9' });
    const sales = { wind: newId(), solar: newId() };
    for (const [source, id] of Object.entries(sales)) {
      const [seller, buyer] = [newId(), newId()];
      await asOwner(
        urls,
        `SET session_replication_role = replica;
         INSERT INTO energy_offers (id, seller_id, energy_source, amount_wh, remaining_wh, price_per_kwh, available_from, available_until, status)
         VALUES ('${id}', '${seller}', '${source}', 1000, 0, 4000000, now(), now() + interval '1 day', 'sold');
         INSERT INTO energy_transactions (id, offer_id, seller_id, buyer_id, amount_wh, price, total, fee, status)
         VALUES ('${id}', '${id}', '${seller}', '${buyer}', 1000, 4000000, 4000000, 40000, 'pending')`,
      );
    }
    await migrate(urls.ownerUrl, urls.applicationUrl);
    const rows = await asOwner<{ id: string; energy_source: string }>(
      urls,
      'SELECT id, energy_source FROM energy_transactions',
    );
    expect(Object.fromEntries(rows.map(({ id, energy_source: source }) => [source, id]))).toEqual(sales);
  });
});
