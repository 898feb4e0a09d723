import { DataSource } from 'typeorm';
import { migrationDataSource } from '../src/database/data-source-options';
import { Partitions } from '../src/database/partitions';
import { buildIndex, dropIndex, replaceIndex } from '../src/database/indexes/index-builder';
import type { BuildEvent } from '../src/database/indexes/run-step';
import { startApp, type TestApp } from './support/app';
import { emptyDatabase, untilBlockedBy } from './support/database';
import { IndexLab } from './support/index-lab';

const BY_OWNER = { name: 'items_by_owner', table: 'items', definition: '(owner, id)' };
/** A visit by autovacuum takes locks of its own: builds would wait for it, and a DROP may meet it in a deadlock. */
const LEFT_ALONE = 'WITH (autovacuum_enabled = false)';

describe('an index on a living table', () => {
  let lab: IndexLab;

  beforeAll(async () => {
    lab = new IndexLab(await emptyDatabase());
  });
  beforeEach(async () => {
    await lab.run('DROP TABLE IF EXISTS items');
    await lab.run(
      `CREATE TABLE items (id bigserial PRIMARY KEY, owner int NOT NULL, state text NOT NULL) ${LEFT_ALONE}`,
    );
    await lab.run(
      `INSERT INTO items (owner, state) SELECT n % 100, CASE WHEN n % 10 = 0 THEN 'open' ELSE 'done' END
         FROM generate_series(1, 5000) AS n`,
    );
  });
  afterEach(() => lab.tidy());

  it('keeps no writer out, whatever the build waits for', async () => {
    const writer = await lab.session();
    const write = async () => {
      await writer.query(`INSERT INTO items (owner, state) VALUES (7, 'open')`);
      await writer.query('UPDATE items SET owner = owner + 1 WHERE id % 50 = 1');
      await writer.query('DELETE FROM items WHERE id % 500 = 2');
    };
    const unfinished = await lab.session();
    await unfinished.query('BEGIN');
    await unfinished.query(`INSERT INTO items (owner, state) VALUES (7, 'open')`);
    const old = await lab.holdSnapshot();
    const building = buildIndex(await lab.session(), BY_OWNER);

    await lab.untilPhase('waiting for writers before build');
    await write();
    await unfinished.query('COMMIT');
    await lab.untilPhase('waiting for old snapshots');
    await write();
    await old.release();
    await building;

    expect((await lab.indexesOf('items')).get('items_by_owner')).toMatchObject({ valid: true, ready: true });
    const [{ through, beside }] = await lab.run(`
      WITH through AS MATERIALIZED (SELECT count(*) FROM items WHERE owner >= 0)
      SELECT (SELECT count FROM through) AS through, (SELECT count(*) FROM items WHERE owner + 0 >= 0) AS beside`);
    expect(through).toBe(beside);
  });

  it('is found and rebuilt when a build of it was cancelled', async () => {
    const old = await lab.holdSnapshot();
    const building = buildIndex(await lab.session(), BY_OWNER).catch((error: unknown) => error);
    const pid = await lab.untilPhase('waiting for old snapshots');
    await lab.run('SELECT pg_cancel_backend($1)', [pid]);
    expect(await building).toMatchObject({ code: '57014' });
    const broken = (await lab.indexesOf('items')).get('items_by_owner');
    expect(broken).toMatchObject({ valid: false });
    await old.release();

    await buildIndex(await lab.session(), BY_OWNER);
    const mended = (await lab.indexesOf('items')).get('items_by_owner');
    expect(mended).toMatchObject({ valid: true });
    expect(mended?.oid).not.toBe(broken?.oid);
    await buildIndex(await lab.session(), BY_OWNER);
    expect((await lab.indexesOf('items')).get('items_by_owner')?.oid).toBe(mended?.oid);
  });

  it('is waited for when somebody else builds it just now', async () => {
    const old = await lab.holdSnapshot();
    const theirs = (await lab.session()).query(
      'CREATE INDEX CONCURRENTLY items_by_owner ON items (owner, id)',
    );
    await lab.untilPhase('waiting for old snapshots');
    const { oid } = (await lab.indexesOf('items')).get('items_by_owner') as { oid: string };
    const events = watched();
    const ours = buildIndex(await lab.session(), BY_OWNER, events);
    await events.until(({ kind }) => kind === 'waits');
    await old.release();
    await Promise.all([theirs, ours]);
    expect((await lab.indexesOf('items')).get('items_by_owner')).toMatchObject({ oid, valid: true });
  });

  it('is built anew when the build was the victim of a deadlock', async () => {
    const writer = await lab.session();
    await writer.query('BEGIN');
    await writer.query(`INSERT INTO items (owner, state) VALUES (7, 'open')`);
    const events = watched();
    const building = buildIndex(await lab.session(), BY_OWNER, events);
    const pid = await lab.untilPhase('waiting for writers before build', 'items_by_owner');
    const other = await lab.session();
    // Whoever looks for deadlocks first is the victim.
    await other.query(`SET deadlock_timeout = '1h'`);
    await other.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await other.query('SELECT 1');
    // It waits for the build, which will wait for its snapshot.
    const locking = other.query('LOCK TABLE items IN SHARE ROW EXCLUSIVE MODE');
    await untilBlockedBy(lab.urls, pid);
    await writer.query('COMMIT');
    await locking;
    await other.query('COMMIT');
    await building;
    const statements = events.told.flatMap((event) => (event.kind === 'begins' ? event.step.action : []));
    expect(statements).toEqual(['create', 'drop', 'create']);
    expect((await lab.indexesOf('items')).get('items_by_owner')).toMatchObject({ valid: true });
  });

  it('that cannot be unique says which rows are alike, leaves nothing behind, and is built once they are not', async () => {
    const unique = {
      name: 'items_open_owner',
      table: 'items',
      definition: `(owner, lower(state)) WHERE state = 'open'`,
      unique: true,
    };
    const refused = await buildIndex(await lab.session(), unique).catch((error: Error) => error.message);
    expect(refused).toBe(
      'The unique index items_open_owner cannot be built, since rows of items are alike in owner, lower(state): ' +
        `find them by "SELECT owner, lower(state), count(*) FROM items WHERE state = 'open'::text ` +
        'GROUP BY owner, lower(state) HAVING count(*) > 1", make them differ, and start again',
    );
    expect([...(await lab.indexesOf('items')).keys()]).toEqual(['items_pkey']);
    const [, query = ''] = /"(.*)"/.exec(refused as string) ?? [];
    expect(await lab.run(query)).toHaveLength(10);
    await lab.run(`UPDATE items SET state = 'done' WHERE id > 100`);
    await buildIndex(await lab.session(), unique);
    expect((await lab.indexesOf('items')).get('items_open_owner')).toMatchObject({
      valid: true,
      unique: true,
    });
  });

  it('takes another form without a moment in which neither serves', async () => {
    await buildIndex(await lab.session(), BY_OWNER);
    const before = (await lab.indexesOf('items')).get('items_by_owner');
    const other = { ...BY_OWNER, definition: `(owner DESC) INCLUDE (state) WHERE state IN ('open', 'done')` };
    await expect(buildIndex(await lab.session(), other)).rejects.toThrow(
      'items_by_owner serves items already, as USING btree (owner, id): replace it',
    );
    const old = await lab.holdSnapshot();
    const replacing = replaceIndex(await lab.session(), other);
    await lab.untilPhase('waiting for old snapshots', 'items_by_owner_replacement');
    expect((await lab.indexesOf('items')).get('items_by_owner')).toMatchObject({
      valid: true,
      form: before?.form,
    });
    await old.release();
    await replacing;
    const after = await lab.indexesOf('items');
    expect([...after.keys()]).toEqual(['items_by_owner', 'items_pkey']);
    expect(after.get('items_by_owner')?.form).toBe(
      `USING btree (owner DESC) INCLUDE (state) WHERE (state = ANY (ARRAY['open'::text, 'done'::text]))`,
    );
    await replaceIndex(await lab.session(), other);
    expect((await lab.indexesOf('items')).get('items_by_owner')?.oid).toBe(after.get('items_by_owner')?.oid);
  });

  it.each([
    ['before the exchange of names', ['CREATE INDEX items_by_owner_replacement ON items (state)']],
    [
      'with an outdated beginning',
      [
        'CREATE INDEX items_by_owner_replacement ON items (id)',
        'CREATE INDEX items_by_owner_replaced ON items (id)',
      ],
    ],
    [
      'after the exchange of names',
      [
        'ALTER INDEX items_by_owner RENAME TO items_by_owner_replaced',
        'CREATE INDEX items_by_owner ON items (state)',
      ],
    ],
  ])('whose replacement was killed %s gets there the next time', async (_, state) => {
    await buildIndex(await lab.session(), BY_OWNER);
    for (const statement of state) await lab.run(statement);
    await replaceIndex(await lab.session(), { ...BY_OWNER, definition: '(state)' });
    const after = await lab.indexesOf('items');
    expect([...after.keys()]).toEqual(['items_by_owner', 'items_pkey']);
    expect(after.get('items_by_owner')).toMatchObject({ form: 'USING btree (state)', valid: true });
  });

  it('is dropped with what was left of its replacement', async () => {
    await buildIndex(await lab.session(), BY_OWNER);
    await lab.run('CREATE INDEX items_by_owner_replacement ON items (state)');
    await dropIndex(await lab.session(), BY_OWNER);
    await dropIndex(await lab.session(), BY_OWNER);
    expect([...(await lab.indexesOf('items')).keys()]).toEqual(['items_pkey']);
  });

  it('is not built by the limits of requests, and leaves them as they were', async () => {
    const session = await lab.session();
    await session.query(`SET statement_timeout = '14s'; SET lock_timeout = 1`);
    const old = await lab.holdSnapshot();
    const building = buildIndex(session, BY_OWNER);
    await lab.untilPhase('waiting for old snapshots');
    await old.release();
    await building;
    const { rows } = await session.query(
      `SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement`,
    );
    expect(rows).toEqual([{ lock: '1ms', statement: '14s' }]);
  });

  it.each([
    [
      { ...BY_OWNER, definition: '(nobody)' },
      'items_by_owner on items cannot be finished: column "nobody" does not exist',
    ],
    [{ ...BY_OWNER, table: 'nowhere' }, 'There is no table nowhere'],
    [{ ...BY_OWNER, name: 'items; DROP TABLE items' }, 'is no name for an index'],
    [{ ...BY_OWNER, name: 'items_pkey' }, 'items_pkey belongs to a constraint of items'],
  ])('that cannot be, %j, is refused with a sentence', async (index, sentence) => {
    await expect(buildIndex(await lab.session(), index)).rejects.toThrow(sentence);
    expect([...(await lab.indexesOf('items')).keys()]).toEqual(['items_pkey']);
  });

  it('is not built inside a transaction, which would be rolled back', async () => {
    const session = await lab.session();
    await session.query('BEGIN');
    await expect(buildIndex(session, BY_OWNER)).rejects.toThrow(
      'let the migration say "transaction = false"',
    );
    await expect(session.query('COMMIT')).resolves.toMatchObject({ command: 'COMMIT' });
  });
});

describe('an index on a living partitioned table', () => {
  const BY_OWNER = { name: 'notes_by_owner', table: 'notes', definition: '(owner, at)' };
  let lab: IndexLab;

  beforeAll(async () => {
    lab = new IndexLab(await emptyDatabase());
  });
  beforeEach(async () => {
    await lab.run('DROP TABLE IF EXISTS notes');
    await lab.run(
      'CREATE TABLE notes (owner int NOT NULL, at date NOT NULL, text text) PARTITION BY RANGE (at)',
    );
    for (const month of ['01', '02']) await lab.run(partition(month));
    await lab.run(`CREATE TABLE notes_2026_03 PARTITION OF notes FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')
                     PARTITION BY HASH (owner)`);
    for (const place of [0, 1]) {
      await lab.run(
        `CREATE TABLE notes_2026_03_${place} PARTITION OF notes_2026_03 FOR VALUES WITH (MODULUS 2, REMAINDER ${place}) ${LEFT_ALONE}`,
      );
    }
    await lab.run(
      `INSERT INTO notes SELECT n % 100, date '2026-01-01' + n % 90, 'note' FROM generate_series(1, 5000) AS n`,
    );
  });
  afterEach(() => lab.tidy());

  const partition = (month: string) =>
    `CREATE TABLE notes_2026_${month} PARTITION OF notes
       FOR VALUES FROM ('2026-${month}-01') TO (date '2026-${month}-01' + interval '1 month') ${LEFT_ALONE}`;
  /** As the application makes partitions while it works. */
  const livingPartition = (month: string) =>
    `CREATE TABLE notes_2026_${month} (LIKE notes INCLUDING ALL) ${LEFT_ALONE};
     ALTER TABLE notes ATTACH PARTITION notes_2026_${month}
       FOR VALUES FROM ('2026-${month}-01') TO (date '2026-${month}-01' + interval '1 month')`;
  const expectWhole = async (name = BY_OWNER.name) => {
    const indexes = await lab.indexesOf('notes');
    expect(indexes.get(name)).toMatchObject({ valid: true, partitioned: true });
    const tables = await lab.run(
      `SELECT t.relid::regclass, (SELECT count(*)::int FROM pg_index i JOIN pg_partition_tree('${name}') p
                                    ON p.relid = i.indexrelid WHERE i.indrelid = t.relid AND i.indisvalid) AS parts
         FROM pg_partition_tree('notes') t`,
    );
    expect(tables.filter(({ parts }) => parts !== 1)).toEqual([]);
    expect(indexes.size).toBe(tables.length);
    return indexes;
  };

  it('is built on each partition, also of a partition, and attached', async () => {
    await buildIndex(await lab.session(), BY_OWNER);
    expect([...(await expectWhole()).keys()].sort()).toEqual([
      'notes_by_owner',
      'notes_by_owner_2026_01',
      'notes_by_owner_2026_02',
      'notes_by_owner_2026_03',
      'notes_by_owner_2026_03_0',
      'notes_by_owner_2026_03_1',
    ]);
    const oids = [...(await lab.indexesOf('notes')).values()].map(({ oid }) => oid);
    await buildIndex(await lab.session(), BY_OWNER);
    expect([...(await lab.indexesOf('notes')).values()].map(({ oid }) => oid)).toEqual(oids);
  });

  it('keeps no writer out, and takes in partitions that come and go during the build', async () => {
    const old = await lab.holdSnapshot();
    const building = buildIndex(await lab.session(), BY_OWNER);
    await lab.untilPhase('waiting for old snapshots', 'notes_by_owner_2026_01');
    for (const month of ['01', '02', '03']) {
      await lab.run(`INSERT INTO notes VALUES (7, '2026-${month}-07', 'meanwhile')`);
      await lab.run(`UPDATE notes SET text = 'changed' WHERE at = '2026-${month}-07'`);
    }
    await lab.run(livingPartition('04'));
    await lab.run(`INSERT INTO notes VALUES (7, '2026-04-07', 'meanwhile')`);
    await lab.run('DROP TABLE notes_2026_02');
    await old.release();
    await building;
    await expectWhole();
  });

  it.each([
    ['its first step', ['CREATE INDEX notes_by_owner ON ONLY notes (owner, at)']],
    [
      'a part was built',
      [
        'CREATE INDEX notes_by_owner ON ONLY notes (owner, at)',
        'CREATE INDEX notes_by_owner_2026_01 ON notes_2026_01 (owner, at)',
      ],
    ],
    [
      'a part was attached, and another form of it begun',
      [
        'CREATE INDEX notes_by_owner ON ONLY notes (owner, at)',
        'CREATE INDEX notes_by_owner_2026_01 ON notes_2026_01 (owner, at)',
        'ALTER INDEX notes_by_owner ATTACH PARTITION notes_by_owner_2026_01',
        'CREATE INDEX notes_by_owner_2026_02 ON notes_2026_02 (at)',
        'CREATE INDEX notes_by_owner_2026_03 ON ONLY notes_2026_03 (owner, at)',
      ],
    ],
    ['a beginning in another form', ['CREATE INDEX notes_by_owner ON ONLY notes (owner)']],
    [
      'the last partition that lacked a part was dropped',
      [
        'CREATE INDEX notes_by_owner ON ONLY notes (owner, at)',
        livingPartition('05'),
        'DROP TABLE notes_2026_01, notes_2026_02, notes_2026_03',
      ],
    ],
    [
      'all partitions were dropped',
      [
        'CREATE INDEX notes_by_owner ON ONLY notes (owner, at)',
        'DROP TABLE notes_2026_01, notes_2026_02, notes_2026_03',
      ],
    ],
  ])('whose build was killed after %s is finished the next time', async (_, state) => {
    for (const statement of state) await lab.run(statement);
    await buildIndex(await lab.session(), BY_OWNER);
    await expectWhole();
  });

  it('whose build was cancelled on a partition is finished, and keeps what was done', async () => {
    const old = await lab.holdSnapshot();
    const building = buildIndex(await lab.session(), BY_OWNER).catch((error: unknown) => error);
    const pid = await lab.untilPhase('waiting for old snapshots', 'notes_by_owner_2026_01');
    await lab.run('SELECT pg_cancel_backend($1)', [pid]);
    expect(await building).toMatchObject({ code: '57014' });
    await old.release();
    expect((await lab.indexesOf('notes')).get('notes_by_owner_2026_01')).toMatchObject({ valid: false });
    await lab.run(livingPartition('04'));
    const arrived = (await lab.indexesOf('notes')).get('notes_2026_04_owner_at_idx');
    expect(arrived).toMatchObject({ valid: true, attachedTo: expect.any(String) });
    await buildIndex(await lab.session(), BY_OWNER);
    const indexes = await expectWhole();
    expect(indexes.get('notes_2026_04_owner_at_idx')?.oid).toBe(arrived?.oid);
  });

  it('that cannot be unique on one partition is finished once that is mended', async () => {
    const unique = { ...BY_OWNER, unique: true };
    await lab.run('DELETE FROM notes');
    await lab.run(`INSERT INTO notes VALUES (1, '2026-01-07'), (1, '2026-02-07'), (1, '2026-02-07')`);
    await expect(buildIndex(await lab.session(), unique)).rejects.toThrow(
      'The unique index notes_by_owner_2026_02 cannot be built, since rows of notes_2026_02 are alike in owner, at',
    );
    await lab.run(`DELETE FROM notes WHERE at = '2026-02-07'`);
    await buildIndex(await lab.session(), unique);
    expect([...(await expectWhole()).values()].every((index) => index.unique)).toBe(true);
  });

  it('takes another form, with the names of its parts', async () => {
    await buildIndex(await lab.session(), BY_OWNER);
    await lab.run(livingPartition('04'));
    const names = [...(await expectWhole()).keys()].sort();
    await replaceIndex(await lab.session(), { ...BY_OWNER, definition: '(at, owner)' });
    const after = await expectWhole();
    expect([...after.keys()].sort()).toEqual(
      names.map((name) => (name === 'notes_2026_04_owner_at_idx' ? 'notes_by_owner_2026_04' : name)).sort(),
    );
    expect(new Set([...after.values()].map(({ form }) => form))).toEqual(
      new Set(['USING btree (at, owner)']),
    );
  });

  it('is dropped as soon as nobody uses the table, and lets others through until then', async () => {
    await buildIndex(await lab.session(), BY_OWNER);
    const reader = await lab.session();
    await reader.query('BEGIN');
    await reader.query('SELECT count(*) FROM notes');
    const events = watched();
    const dropping = dropIndex(await lab.session(), BY_OWNER, events);
    await events.until(({ kind }) => kind === 'waits');
    await lab.run(`INSERT INTO notes VALUES (7, '2026-01-07', 'meanwhile')`);
    await reader.query('COMMIT');
    await dropping;
    expect((await lab.indexesOf('notes')).size).toBe(0);
  });
});

describe('a partition that is wanted while an index of a table that it refers to is built', () => {
  let app: TestApp;
  let lab: IndexLab;

  beforeAll(async () => {
    app = await startApp();
    lab = new IndexLab(app.urls);
  });
  afterAll(() => app.close());
  afterEach(() => lab.tidy());

  it('keeps neither the writers of that table waiting nor the build from its end', async () => {
    const partitions = app.nest.get(Partitions);
    const december = new Date('2031-12-01');
    const old = await lab.holdSnapshot();
    const building = buildIndex(await lab.session(), {
      name: 'users_by_name',
      table: 'users',
      definition: '(username)',
    });
    await lab.untilPhase('waiting for old snapshots', 'users_by_name');
    let outcome: unknown;
    const wanted = partitions
      .ensure('meter_readings', [december])
      .catch((error: unknown) => error)
      .then((result) => (outcome = result));
    let written = 0;
    while (outcome === undefined) {
      await lab.run('UPDATE users SET updated_at = now()');
      written++;
    }
    await wanted;
    expect(outcome).toMatchObject({ code: '55P03' });
    expect(written).toBeGreaterThan(1);
    await old.release();
    await building;
    await partitions.ensure('meter_readings', [december]);
    expect(await lab.run(`SELECT to_regclass('meter_readings_2031_12') IS NOT NULL AS made`)).toEqual([
      { made: true },
    ]);
    await dropIndex(await lab.session(), { name: 'users_by_name', table: 'users' });
  });
});

describe('a migration that builds an index', () => {
  let lab: IndexLab;

  beforeAll(async () => {
    lab = new IndexLab(await emptyDatabase());
    await lab.run('CREATE TABLE items (id bigint PRIMARY KEY, owner int NOT NULL)');
  });
  afterEach(() => lab.tidy());

  it('uses its own connection', async () => {
    const dataSource = await new DataSource(migrationDataSource(lab.urls.ownerUrl)).initialize();
    const runner = dataSource.createQueryRunner();
    try {
      await buildIndex(runner, BY_OWNER);
      await replaceIndex(runner, { ...BY_OWNER, definition: '(owner)' });
      expect((await lab.indexesOf('items')).get('items_by_owner')?.form).toBe('USING btree (owner)');
      await dropIndex(runner, BY_OWNER);
      expect((await lab.indexesOf('items')).size).toBe(1);
    } finally {
      await runner.release();
      await dataSource.destroy();
    }
  });

  it('says what it does to a database that answers nothing', async () => {
    const said: string[] = [];
    const recorder = { query: (text: string) => Promise.resolve(void said.push(text)) };
    await buildIndex(recorder, { ...BY_OWNER, unique: true });
    await replaceIndex(recorder, BY_OWNER);
    await dropIndex(recorder, BY_OWNER);
    expect(said.filter((text) => !/^\s*(SELECT|WITH)\b/.test(text))).toEqual([
      'CREATE UNIQUE INDEX CONCURRENTLY items_by_owner ON items (owner, id)',
      'CREATE INDEX CONCURRENTLY items_by_owner_replacement ON items (owner, id)',
      'DROP INDEX CONCURRENTLY IF EXISTS items_by_owner',
      'ALTER INDEX items_by_owner_replacement RENAME TO items_by_owner',
      'DROP INDEX CONCURRENTLY IF EXISTS items_by_owner',
    ]);
  });
});

/** Listens to a build, and lets a test wait for what it tells. */
function watched() {
  const told: BuildEvent[] = [];
  let wake = (): void => undefined;
  return {
    told,
    onProgress: (event: BuildEvent) => {
      told.push(event);
      wake();
    },
    until: async (wanted: (event: BuildEvent) => boolean): Promise<void> => {
      while (!told.some(wanted)) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}
