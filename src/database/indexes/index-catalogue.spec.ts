import { Column, Entity } from 'typeorm';
import { IdColumn } from '../columns';
import { indexCatalogue, type CatalogueIndex } from './index-catalogue';
import { createIndexStatement } from './index-statements';
import { PerformanceIndex } from './performance-index';

const declared = (name: string): CatalogueIndex => {
  const index = indexCatalogue().find((candidate) => candidate.name === name);
  if (index === undefined) throw new Error(`${name} is not declared`);
  return index;
};

describe('the index catalogue', () => {
  it('holds the 59 named indexes of the domains', () => {
    const named = indexCatalogue().filter(({ name }) => name.startsWith('idx_'));
    expect(named).toHaveLength(59);
    for (const { name, table } of named) expect(name).toMatch(new RegExp(`^idx_${table}_`));
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

  it('writes the steps of a build on a living, partitioned table', () => {
    const index = declared('idx_meter_readings_tx_signature');
    expect(createIndexStatement(index, { only: true })).toContain(
      `${index.name} ON ONLY meter_readings USING`,
    );
    expect(
      createIndexStatement(index, { concurrently: true, table: 'meter_readings_2026_01', name: 'building' }),
    ).toContain('CREATE INDEX CONCURRENTLY building ON meter_readings_2026_01 USING');
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
