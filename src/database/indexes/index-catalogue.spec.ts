import { Column, Entity } from 'typeorm';
import { IdColumn } from '../columns';
import { indexCatalogue, type CatalogueIndex } from './index-catalogue';
import { createIndexStatement } from './index-statements';
import { PerformanceIndex } from './performance-index';

/** The indexes that operators know by name, by table: `idx_<table>_<name>`. */
const NAMED: Readonly<Record<string, string>> = {
  users: 'wallet_address email username role email_verified role_created org_id',
  meter_readings: 'user_id wallet minted user_minted timestamp tx_signature',
  trading_orders: 'user_id status user_status side status_side price filled_at',
  energy_offers: 'seller_id status source price marketplace availability amount',
  energy_orders: 'buyer_id status buyer_status source price',
  energy_transactions: 'seller buyer status offer order settled blockchain participants',
  erc_certificates: 'user_id wallet cert_id status user_status expiry blockchain',
  reconciliations: 'status pending project_status covering metadata project_id created_at status_created',
  reconciliation_items: 'reconciliation_id',
  audit_logs: 'user_id action created',
};

const declared = (name: string): CatalogueIndex => {
  const index = indexCatalogue().find((candidate) => candidate.name === name);
  if (index === undefined) throw new Error(`${name} is not declared`);
  return index;
};

describe('the index catalogue', () => {
  it('holds the 59 named indexes of the domains', () => {
    const wanted = Object.entries(NAMED).flatMap(([table, names]) =>
      names.split(' ').map((name) => `idx_${table}_${name} on ${table}`),
    );
    const named = indexCatalogue().filter(({ name }) => name.startsWith('idx_'));
    expect(wanted).toHaveLength(59);
    expect(named.map(({ name, table }) => `${name} on ${table}`).sort()).toEqual(wanted.sort());
  });

  it('says of each which question it serves', () => {
    for (const { name, serves, query } of indexCatalogue()) {
      expect([name, serves.length > 10, query.startsWith('SELECT')]).toEqual([name, true, true]);
      expect([name, /SELECT \*|\.\*/.test(query)]).toEqual([name, false]);
    }
  });

  it.each([
    ['idx_users_email', 'CREATE UNIQUE INDEX idx_users_email ON users USING btree (lower(email))'],
    [
      'idx_trading_orders_status_side',
      `CREATE INDEX idx_trading_orders_status_side ON trading_orders USING btree (market, price_per_kwh DESC, sequence) WHERE side = 'buy' AND status IN ('open', 'partially_filled')`,
    ],
    [
      'idx_meter_readings_timestamp',
      'CREATE INDEX idx_meter_readings_timestamp ON meter_readings USING brin (interval_start timestamptz_minmax_multi_ops(values_per_range=16)) WITH (pages_per_range = 8)',
    ],
  ])('writes %s as PostgreSQL takes it', (name, statement) => {
    expect(createIndexStatement(declared(name))).toBe(statement);
  });
});

it('refuses a declaration that names a property which is not there', () => {
  @Entity('kettles')
  @PerformanceIndex('kettles_of_owner', { on: ['ownr'], serves: 'a test', query: 'SELECT id FROM kettles' })
  class Kettle {
    @IdColumn()
    id: string;

    @Column('uuid')
    owner: string;
  }
  expect(() => indexCatalogue()).toThrow(
    `Index kettles_of_owner: ${Kettle.name} has no property ownr; name one of id, owner`,
  );
});
