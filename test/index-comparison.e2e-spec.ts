import { indexCatalogue, type CatalogueIndex } from '../src/database/indexes/index-catalogue';
import { compareIndexes } from '../src/database/indexes/index-comparison';
import { inSql } from '../src/database/indexes/index-in-sql';
import { replaceIndex } from '../src/database/indexes/index-builder';
import { emptyDatabase, migratedDatabase } from './support/database';
import { IndexLab } from './support/index-lab';

const declared = (table: string, name: string, form: Partial<CatalogueIndex>): CatalogueIndex => ({
  name,
  table,
  keys: ['id'],
  include: [],
  where: undefined,
  using: 'btree',
  unique: false,
  with: {},
  serves: 'a test',
  query: 'SELECT 1',
  sample: undefined,
  ...form,
});

describe('declared indexes against those of the database', () => {
  let lab: IndexLab;
  const catalogue = [
    declared('items', 'items_open', { where: `state IN ('open', 'ready')`, include: ['owner'] }),
    declared('items', 'items_email', { keys: ['lower(email)'], unique: true }),
    declared('items', 'items_words', { keys: ['email gin_trgm_ops'], using: 'gin' }),
    declared('notes', 'notes_at', { keys: ['at'], using: 'brin', with: { pages_per_range: 8 } }),
    declared('notes', 'notes_owner', { keys: ['owner', 'at DESC'] }),
  ];

  beforeAll(async () => {
    lab = new IndexLab(await emptyDatabase());
    await lab.run('CREATE EXTENSION pg_trgm');
  });
  beforeEach(async () => {
    await lab.run('DROP TABLE IF EXISTS items, notes, strangers');
    await lab.run('DROP TYPE IF EXISTS state');
    await lab.run(`CREATE TYPE state AS ENUM ('open', 'ready', 'done')`);
    await lab.run(
      'CREATE TABLE items (id int PRIMARY KEY, owner int UNIQUE, email varchar(80), state state NOT NULL)',
    );
    await lab.run('CREATE TABLE strangers (id int)');
    await lab.run('CREATE INDEX strangers_id ON strangers (id)');
    await lab.run('CREATE TABLE notes (owner int, at date NOT NULL) PARTITION BY RANGE (at)');
    await lab.run(`CREATE TABLE notes_old PARTITION OF notes FOR VALUES FROM (MINVALUE) TO ('2026-01-01')`);
    await lab.run(
      `CREATE TABLE notes_new PARTITION OF notes FOR VALUES FROM ('2026-01-01') TO (MAXVALUE) PARTITION BY HASH (owner)`,
    );
    await lab.run('CREATE TABLE notes_new_0 PARTITION OF notes_new FOR VALUES WITH (MODULUS 1, REMAINDER 0)');
    const session = await lab.session();
    for (const index of catalogue) await replaceIndex(session, inSql(index));
  });
  afterEach(() => lab.tidy());

  const differences = async (declarations: CatalogueIndex[] = catalogue) =>
    compareIndexes(await lab.session(), declarations, ['items', 'notes']);
  const summary = async (declarations?: CatalogueIndex[]) =>
    (await differences(declarations)).map(({ kind, index, table }) => `${kind} ${index} ${table}`);

  it('finds none where they agree, however they are written', async () => {
    expect(await differences()).toEqual([]);
  });

  it.each([
    ['one that is missing', ['DROP INDEX items_email'], ['missing items_email items']],
    [
      'one in another form, with both forms',
      ['DROP INDEX items_open', `CREATE INDEX items_open ON items (id) INCLUDE (owner) WHERE state = 'open'`],
      ['differs items_open items'],
    ],
    [
      'one that is not unique',
      ['DROP INDEX items_email', 'CREATE INDEX items_email ON items (lower(email))'],
      ['differs items_email items'],
    ],
    [
      'another parameter',
      ['DROP INDEX notes_at', 'CREATE INDEX notes_at ON notes USING brin (at)'],
      ['differs notes_at notes'],
    ],
    [
      'one of a constraint under a declared name',
      ['DROP INDEX items_open', 'ALTER TABLE items ADD CONSTRAINT items_open UNIQUE (email)'],
      ['differs items_open items'],
    ],
    [
      'one that nobody declared',
      ['CREATE INDEX items_more ON items (email)'],
      ['undeclared items_more items'],
    ],
    [
      'one that nobody declared, on a partition',
      ['CREATE INDEX more ON notes_new_0 (owner)'],
      ['undeclared more notes_new_0'],
    ],
    [
      'partitions without their part, and a part that nobody claims',
      [
        'DROP INDEX notes_at',
        'CREATE INDEX notes_at ON ONLY notes USING brin (at) WITH (pages_per_range = 8)',
        'CREATE INDEX notes_at_old ON notes_old USING brin (at) WITH (pages_per_range = 8)',
        'ALTER INDEX notes_at ATTACH PARTITION notes_at_old',
        'CREATE INDEX notes_at_new_0 ON notes_new_0 USING brin (at) WITH (pages_per_range = 8)',
      ],
      ['partition notes_at notes_new', 'undeclared notes_at_new_0 notes_new_0'],
    ],
    [
      'a partition of a partition without its part',
      [
        'DROP INDEX notes_owner',
        'CREATE INDEX notes_owner ON ONLY notes (owner, at DESC)',
        'CREATE INDEX notes_owner_old ON notes_old (owner, at DESC)',
        'ALTER INDEX notes_owner ATTACH PARTITION notes_owner_old',
        'CREATE INDEX notes_owner_new ON ONLY notes_new (owner, at DESC)',
        'ALTER INDEX notes_owner ATTACH PARTITION notes_owner_new',
      ],
      ['partition notes_owner notes_new_0'],
    ],
    [
      'one that is INVALID though each partition has its part',
      [
        'DROP INDEX notes_owner',
        'CREATE INDEX notes_owner ON ONLY notes (owner, at DESC)',
        'DROP TABLE notes_old, notes_new',
      ],
      ['invalid notes_owner notes'],
    ],
    [
      'a table that is not there',
      ['DROP TABLE items'],
      ['items_email', 'items_open', 'items_words'].map((name) => `missing ${name} items`),
    ],
  ])('finds %s', async (_, statements, expected) => {
    for (const statement of statements) await lab.run(statement);
    expect(await summary()).toEqual(expected);
  });

  it('tells both forms of one that differs', async () => {
    await lab.run('DROP INDEX items_open');
    await lab.run('CREATE INDEX items_open ON items (id)');
    expect(await differences()).toEqual([
      {
        kind: 'differs',
        index: 'items_open',
        table: 'items',
        declared: `USING btree (id) INCLUDE (owner) WHERE (state = ANY (ARRAY['open'::state, 'ready'::state]))`,
        live: 'USING btree (id)',
        message: expect.stringContaining('items_open on items is USING btree (id), and declared as'),
      },
    ]);
  });

  it('finds one that a broken build left INVALID', async () => {
    await lab.run('DROP INDEX items_email');
    await lab.run(`INSERT INTO items VALUES (1, 1, 'a@b', 'open'), (2, 2, 'A@B', 'open')`);
    await expect(
      lab.run('CREATE UNIQUE INDEX CONCURRENTLY items_email ON items (lower(email))'),
    ).rejects.toMatchObject({ code: '23505' });
    expect(await summary()).toEqual(['invalid items_email items']);
  });

  it('says why a declaration cannot be made', async () => {
    const wrong = declared('items', 'items_wrong', { keys: ['nobody'] });
    expect(await differences([...catalogue, wrong])).toEqual([
      expect.objectContaining({
        kind: 'missing',
        declared: undefined,
        message: 'items_wrong on items cannot be made as it is declared: column "nobody" does not exist',
      }),
    ]);
  });

  it('changes nothing', async () => {
    const before = await lab.run('SELECT count(*) FROM pg_class');
    await differences();
    expect(await lab.run('SELECT count(*) FROM pg_class')).toEqual(before);
  });
});

it('sees every declared index of a migrated database, and no constraint as undeclared', async () => {
  const lab = new IndexLab(await migratedDatabase());
  const catalogue = indexCatalogue();
  const session = await lab.session();
  for (const index of catalogue) await replaceIndex(session, inSql(index));
  const differences = await compareIndexes(session, catalogue);
  expect(differences.filter(({ kind }) => kind !== 'undeclared')).toEqual([]);
  expect(differences.filter(({ index }) => index.endsWith('_pkey'))).toEqual([]);
  await lab.tidy();
});
