import { Client } from 'pg';
import { fill } from '../bench/filled-database/fill';
import { HEAVY_USER } from '../bench/filled-database/known-users';
import { objections, type Evidence } from '../bench/proof/proof';
import { gatherEvidence } from '../bench/proof/prove';
import type { DatabaseUrls } from '../src/database/database.module';
import { indexCatalogue } from '../src/database/indexes/index-catalogue';
import { asOwner, migratedDatabase } from './support/database';

/** The smallest that all plans are those of a large market. */
const SIZES = { readings: 80_000, others: 20_000, tables: { energy_offers: 100_000, audit_logs: 120_000 } };

describe('a filled database', () => {
  let urls: DatabaseUrls;
  beforeAll(async () => {
    urls = await migratedDatabase();
    await fill(urls.ownerUrl, SIZES);
  });

  it('has no row that refers to nothing, although they were loaded unchecked', async () => {
    const foreignKeys = await asOwner<{ name: string; orphans: string }>(
      urls,
      `SELECT c.conname AS name, format('SELECT count(*)::integer AS orphans FROM %s t WHERE t.%I IS NOT NULL AND NOT EXISTS (SELECT FROM %s r WHERE r.%I = t.%I)',
                c.conrelid::regclass, a.attname, c.confrelid::regclass, r.attname, a.attname) AS orphans
         FROM pg_constraint c
         JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
         JOIN pg_attribute r ON r.attrelid = c.confrelid AND r.attnum = c.confkey[1]
        WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace AND c.conparentid = 0`,
    );
    expect(foreignKeys.length).toBeGreaterThan(40);
    for (const { name, orphans } of foreignKeys)
      expect([name, ...(await asOwner(urls, orphans))]).toEqual([name, { orphans: 0 }]);
  });

  it('has books that balance', async () => {
    const unbalanced = await asOwner(
      urls,
      `SELECT a.asset, sum(a.balance) FROM ledger_accounts a GROUP BY a.asset HAVING sum(a.balance) <> 0
        UNION ALL
       SELECT a.asset, a.balance FROM ledger_accounts a
         LEFT JOIN (SELECT account_id, sum(amount) AS amount FROM ledger_entries GROUP BY account_id) e ON e.account_id = a.id
        WHERE a.balance <> coalesce(e.amount, 0)`,
    );
    expect(unbalanced).toEqual([]);
  });

  it('has readings of more than a year, most of what was generated in excess minted', async () => {
    const [readings] = await asOwner(
      urls,
      `SELECT count(*)::integer AS all, max(interval_start) - min(interval_start) > interval '365 days' AS "overAYear",
              avg(minted::integer) FILTER (WHERE surplus_wh > 0 AND interval_start < now() - interval '7 days') > 0.9 AS "mostlyMinted" FROM meter_readings`,
    );
    expect(readings).toEqual({ all: SIZES.readings, overAYear: true, mostlyMinted: true });
  });

  it('belongs to few heavy users for a good part', async () => {
    const [orders] = await asOwner<{ all: number; heaviest: number; hundred: number }>(
      urls,
      `SELECT sum(orders)::integer AS all, max(orders) FILTER (WHERE user_id = $1)::integer AS heaviest,
              sum(orders) FILTER (WHERE place <= 100)::integer AS hundred
         FROM (SELECT user_id, count(*) AS orders, row_number() OVER (ORDER BY count(*) DESC) AS place
                 FROM trading_orders GROUP BY user_id) o`,
      [HEAVY_USER.id],
    );
    expect(orders?.all).toBe(SIZES.others);
    expect(orders?.heaviest).toBeGreaterThan(SIZES.others / 100);
    expect(orders?.hundred).toBeGreaterThan(SIZES.others / 3);
  });

  describe('answers the question of', () => {
    let evidence: Map<string, Evidence>;
    beforeAll(async () => {
      const client = new Client({ connectionString: urls.ownerUrl });
      await client.connect();
      try {
        const found = await gatherEvidence(client, indexCatalogue(), { measured: false });
        evidence = new Map(found.map((one) => [one.index.name, one]));
      } finally {
        await client.end();
      }
    });

    it.each(indexCatalogue().map(({ name }) => name))(
      '%s by it, in both plans of a named statement',
      (name) => {
        const found = evidence.get(name);
        expect(found && objections(found)).toEqual([]);
      },
    );
  });
});
