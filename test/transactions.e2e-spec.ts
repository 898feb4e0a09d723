import { AuditService } from '../src/audit/audit.service';
import { QueryEvents } from '../src/database/query-events';
import { startApp, type TestApp } from './support/app';
import { asOwner, migratedDatabase } from './support/database';
import { eventually } from './support/eventually';

/** Lets a number of parties go on together, the first time each of them comes. */
function meetingOf(parties: number): () => Promise<void> {
  let arrived = 0;
  let open: () => void = () => undefined;
  const complete = new Promise<void>((resolve) => (open = resolve));
  return () => {
    arrived += 1;
    if (arrived >= parties) open();
    return complete;
  };
}

describe('a transaction', () => {
  let app: TestApp;

  /** What the application's role may read and write; the tables of the market are left alone. */
  const ownerDoes = (text: string) => asOwner(app.urls, text);
  const valueOf = async (id: number) =>
    (await app.database.query<{ value: number }>('SELECT value FROM shelf WHERE id = $1', [id]))[0]?.value;

  beforeAll(async () => {
    const urls = await migratedDatabase();
    const name = new URL(urls.ownerUrl).pathname.slice(1);
    await asOwner(urls, `ALTER DATABASE ${name} SET deadlock_timeout = '20ms'`);
    await asOwner(
      urls,
      `CREATE TABLE shelf (id int PRIMARY KEY, value int NOT NULL);
       GRANT SELECT, INSERT, UPDATE ON shelf TO gridtokenx_app`,
    );
    app = await startApp({ DB_POOL_MAX: '6' }, urls);
  });
  beforeEach(() => ownerDoes('TRUNCATE shelf; INSERT INTO shelf VALUES (1, 0), (2, 0)'));
  afterAll(() => app.close());

  it('that deadlocks with another is done again: both succeed', async () => {
    const meeting = meetingOf(2);
    let attempts = 0;
    const increment = (first: number, second: number) =>
      app.database.transaction(async (tx) => {
        attempts += 1;
        await tx.query('UPDATE shelf SET value = value + 1 WHERE id = $1', [first]);
        await meeting();
        await tx.query('UPDATE shelf SET value = value + 1 WHERE id = $1', [second]);
      });
    await Promise.all([increment(1, 2), increment(2, 1)]);
    // Once more where the one that was rolled back is there again before the other has gone on.
    expect(attempts).toBeGreaterThanOrEqual(3);
    expect([await valueOf(1), await valueOf(2)]).toEqual([2, 2]);
  });

  it('that read what another changed meanwhile is done again: no update is lost', async () => {
    const meeting = meetingOf(2);
    let attempts = 0;
    const increment = () =>
      app.database.transaction(async (tx) => {
        attempts += 1;
        await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
        const [row] = await tx.query<{ value: number }>('SELECT value FROM shelf WHERE id = 1');
        await meeting();
        await tx.query('UPDATE shelf SET value = $1 WHERE id = 1', [(row?.value ?? NaN) + 1]);
      });
    await Promise.all([increment(), increment()]);
    expect(attempts).toBe(3);
    expect(await valueOf(1)).toBe(2);
  });

  it('is not done again for any other error', async () => {
    let attempts = 0;
    const failing = app.database.transaction(async (tx) => {
      attempts += 1;
      await tx.query('SELECT 1 / $1::int', [0]);
    });
    await expect(failing).rejects.toMatchObject({ code: '22012' });
    expect(attempts).toBe(1);
  });

  it('that collides again and again ends with an answer', async () => {
    let attempts = 0;
    const hopeless = app.database.transaction(async (tx) => {
      attempts += 1;
      await tx.query(`DO $$ BEGIN RAISE EXCEPTION 'collided' USING ERRCODE = '40001'; END $$`);
    });
    await expect(hopeless).rejects.toMatchObject({ code: '40001' });
    expect(attempts).toBe(5);
  });

  it('does not call it success when the error of a statement was swallowed', async () => {
    const effects: string[] = [];
    const swallowing = app.database.transaction(async (tx) => {
      tx.afterCommit(() => void effects.push('done'));
      await tx.query('UPDATE shelf SET value = 7 WHERE id = 1');
      await tx.query('INSERT INTO shelf VALUES (1, 1)').catch(() => undefined);
    });
    await expect(swallowing).rejects.toMatchObject({ code: '23505' });
    expect(effects).toEqual([]);
    expect(await valueOf(1)).toBe(0);
  });

  it('writes all of its audit records in one statement', async () => {
    const inserts: (number | undefined)[] = [];
    app.nest.get(QueryEvents).subscribe(({ text, rows }) => {
      if (text.startsWith('INSERT INTO audit_logs')) inserts.push(rows);
    });
    const audit = app.nest.get(AuditService);
    await app.database.transaction(async (tx) => {
      for (let i = 0; i < 200; i++) {
        audit.record(tx, null, { action: 'shelf.filled', entity: 'shelf', entityId: String(i) });
        if (i % 50 === 0) await tx.query('SELECT 1');
      }
    });
    expect(inserts).toEqual([200]);
  });

  it('whose commit is not answered is not done again, and says that nobody knows', async () => {
    await ownerDoes(
      `CREATE FUNCTION wait_long() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(10); RETURN NULL; END';
       CREATE CONSTRAINT TRIGGER slow_commit AFTER UPDATE ON shelf
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_long()`,
    );
    let attempts = 0;
    const effects: string[] = [];
    const committing = app.database.transaction(async (tx) => {
      attempts += 1;
      tx.afterCommit(() => void effects.push('cache invalidated'));
      await tx.query('UPDATE shelf SET value = 9 WHERE id = 1');
    });
    const outcome = committing.catch((error: unknown) => error);
    await eventually(
      () =>
        ownerDoes(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND query = 'COMMIT' AND wait_event = 'PgSleep'`,
        ),
      (ended) => ended.length === 1,
    );
    expect(await outcome).toMatchObject({ code: 'OUTCOME_UNKNOWN', kind: 'unavailable' });
    expect(attempts).toBe(1);
    expect(effects).toEqual(['cache invalidated']);
    await ownerDoes('DROP TRIGGER slow_commit ON shelf');
  });
});

describe('a prepared statement', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ DB_POOL_MAX: '4', DB_POOL_MIN: '4' });
    await asOwner(
      app.urls,
      `CREATE TABLE sizes (id int, size int); INSERT INTO sizes VALUES (1, 40);
       GRANT SELECT, UPDATE ON sizes TO gridtokenx_app`,
    );
  });
  afterAll(() => app.close());

  const TEXT = 'SELECT size FROM sizes WHERE id = $1';
  /** On all connections of the pool at once. */
  const onAll = <Answer>(ask: () => Promise<Answer>) => Promise.all(Array.from({ length: 8 }, ask));

  it('outlives a migration that changes the type of a column it reads', async () => {
    const read = () => app.database.query(TEXT, [1]);
    expect(await onAll(read)).toEqual(Array(8).fill([{ size: 40 }]));
    await asOwner(app.urls, 'ALTER TABLE sizes ALTER size TYPE bigint');
    expect(await onAll(read)).toEqual(Array(8).fill([{ size: 40n }]));
    await asOwner(app.urls, 'ALTER TABLE sizes ALTER size TYPE text');
    expect(await onAll(read)).toEqual(Array(8).fill([{ size: '40' }]));
  });

  it('outlives it in a transaction too, which is done again', async () => {
    const read = () =>
      app.database.transaction(async (tx) => {
        await tx.query('SELECT 1');
        return tx.query(TEXT, [1]);
      });
    expect(await onAll(read)).toEqual(Array(8).fill([{ size: '40' }]));
    await asOwner(app.urls, 'ALTER TABLE sizes ALTER size TYPE int USING size::int');
    expect(await onAll(read)).toEqual(Array(8).fill([{ size: 40 }]));
  });

  it('is prepared once per connection', async () => {
    await onAll(() => app.database.query(TEXT, [1]));
    await onAll(() => app.database.query(TEXT, [1]));
    const kept = await app.database.query(
      'SELECT count(*)::int AS times FROM pg_prepared_statements WHERE statement = $1 AND name LIKE $2',
      [TEXT, 's%\\_3'],
    );
    expect(kept).toEqual([{ times: 1 }]);
  });
});
