import type { Client } from 'pg';
import { record } from '../src/monitoring/history/snapshot';
import { startApp, type Answer, type Person, type TestApp } from './support/app';
import { historyRecorder } from './support/history-recorder';
import { IndexLab } from './support/index-lab';

const DB = '/api/admin/db';
type Row = Record<string, any>;

describe('recorded statements', () => {
  let app: TestApp;
  let lab: IndexLab;
  let auditor: Person;
  let recorder: Client;

  beforeAll(async () => {
    app = await startApp();
    lab = new IndexLab(app.urls);
    auditor = await app.registers({ role: 'auditor' });
    recorder = await historyRecorder(app.urls);
  });
  afterEach(() => lab.run('DROP TABLE IF EXISTS scratch, scratch_other CASCADE'));
  afterAll(async () => {
    await recorder.end();
    await lab.tidy();
    await app.close();
  });

  const read = (path: string): Promise<Answer> => app.get(`${DB}/${path}`, { as: auditor });

  async function idOf(pattern: string): Promise<string> {
    const [row] = await lab.run(
      `SELECT queryid::text AS id FROM pg_stat_statements
        WHERE query ~ $1 AND query !~ 'pg_stat_statements'
          AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [pattern],
    );
    return row.id;
  }

  describe('by their id', () => {
    it('show text, counters, history and the plan for any values, and no value', async () => {
      await lab.run(`SELECT username AS shown_alone FROM users WHERE email = 'a secret of somebody'`);
      await record(recorder);
      await lab.run(`SELECT username AS shown_alone FROM users WHERE email = 'a secret of somebody'`);
      await record(recorder);

      const id = await idOf('shown_alone');
      const { status, body } = await read(`queries/${id}`);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        available: true,
        queryId: id,
        statement: 'SELECT username AS shown_alone FROM users WHERE email = $1',
        counters: { figures: { calls: 2, roles: ['gridtokenx_owner'] } },
        history: { available: true },
        plan: { available: true, plan: { 'Relation Name': 'users' } },
      });
      const calls = body.history.points.reduce((sum: number, point: Row) => sum + point['calls'], 0);
      expect(calls).toBeGreaterThanOrEqual(1);
      expect(body.history.points.length).toBeLessThanOrEqual(300);
      expect(JSON.stringify(body)).not.toContain('a secret of somebody');
    });

    it('are planned with constants that say their type, and with what they change, which is not done', async () => {
      await lab.run(`DELETE FROM sessions WHERE expires_at < now() - interval '300 years'`);
      const { body } = await read(`queries/${await idOf('^DELETE FROM sessions WHERE expires_at < now')}`);

      expect(body.plan).toMatchObject({ available: true, plan: { 'Node Type': 'ModifyTable' } });
    });

    it.each([
      ['range', 'id BETWEEN 1 AND 5', "FROM ('0') TO ('10')", "FROM ('10') TO ('20')"],
      ['hash', 'id = 1', 'WITH (MODULUS 2, REMAINDER 0)', 'WITH (MODULUS 2, REMAINDER 1)'],
    ])(
      'show how they read every partition by %s, whichever a value leaves out',
      async (by, condition, ...bounds) => {
        await lab.run(`CREATE TABLE scratch (id int, word text) PARTITION BY ${by} (id)`);
        for (const [place, bound] of bounds.entries())
          await lab.run(`CREATE TABLE scratch_${place} PARTITION OF scratch FOR VALUES ${bound}`);
        await lab.run(`SELECT word AS by_${by} FROM scratch WHERE ${condition}`);

        const { body } = await read(`queries/${await idOf(`by_${by}`)}`);
        expect(body.plan).toMatchObject({
          available: true,
          plan: {
            Plans: [
              { 'Relation Name': 'scratch_0', Filter: expect.stringContaining('$1') },
              { 'Relation Name': 'scratch_1', Filter: expect.stringContaining('$1') },
            ],
          },
        });
        expect(JSON.stringify(body.plan)).not.toMatch(/"Subplans Removed":[1-9]/);
      },
    );

    it('say why there is no plan', async () => {
      await lab.run(`COMMENT ON COLUMN users.email IS 'told to nobody'`);
      await lab.run('CREATE TABLE scratch (gone int)');
      await lab.run('SELECT gone FROM scratch');
      const id = await idOf('SELECT gone FROM scratch');
      await lab.run('DROP TABLE scratch');

      const utility = (await read(`queries/${await idOf('^COMMENT ON COLUMN users.email')}`)).body;
      expect(utility.plan).toEqual({
        available: false,
        why: 'it is no SELECT, INSERT, UPDATE or DELETE',
      });
      expect(JSON.stringify(utility)).not.toContain('told to nobody');
      expect((await read(`queries/${id}`)).body.plan).toEqual({
        available: false,
        why: 'a table that it reads is gone',
      });
    });

    it('are remembered when PostgreSQL has thrown them away', async () => {
      await lab.run('SELECT count(*) AS soon_forgotten FROM users');
      await record(recorder);
      const id = await idOf('soon_forgotten');
      await lab.run(
        'SELECT pg_stat_statements_reset(0, oid, $1) FROM pg_database WHERE datname = current_database()',
        [id],
      );

      expect((await read(`queries/${id}`)).body).toMatchObject({
        statement: 'SELECT count(*) AS soon_forgotten FROM users',
        counters: null,
        plan: { available: false, why: expect.stringContaining('thrown its text away') },
      });
    });

    it('are those of this database, for those who may see them, by a number of 64 bits', async () => {
      expect(await read('queries/1234567')).toMatchObject({ status: 404, body: { code: 'QUERY_NOT_FOUND' } });
      for (const id of ['users', '1;DROP', '99999999999999999999', '9223372036854775808', '0x10'])
        expect(await read(`queries/${encodeURIComponent(id)}`)).toMatchObject({ status: 400 });
      expect(await read('queries/1?text=SELECT')).toMatchObject({ status: 400 });
      expect(await app.get(`${DB}/queries/1`)).toMatchObject({ status: 401 });
      expect(await app.get(`${DB}/queries/1`, { as: await app.registers() })).toMatchObject({ status: 403 });
    });
  });

  describe('advice on indexes', () => {
    const ROWS = 20_000;
    const ask = async (text: string): Promise<void> => {
      for (let time = 1; time <= 12; time++) await lab.run(text.replace('?', String(time)));
    };
    const adviceOn = async (table: string): Promise<Row[]> => {
      const { status, body } = await read('indexes/advice?limit=500');
      expect(status).toBe(200);
      return body.rows.filter((row: Row) => row['table'] === table);
    };

    beforeEach(async () => {
      await lab.run(
        'SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = current_database()',
      );
      await lab.run(
        `CREATE TABLE scratch (id int PRIMARY KEY, owner_id int NOT NULL, kind text NOT NULL, price int NOT NULL, word text NOT NULL)
           WITH (autovacuum_enabled = false)`,
      );
      await lab.run(
        `INSERT INTO scratch SELECT n, n % 5000, 'kind ' || n % 7, n, repeat('x', 60) FROM generate_series(1, $1) AS n`,
        [ROWS],
      );
      await lab.run('CREATE TABLE scratch_other (id int PRIMARY KEY, place int NOT NULL)');
      await lab.run('INSERT INTO scratch_other SELECT n, n FROM generate_series(1, 3) AS n');
      await lab.run('ANALYZE scratch; ANALYZE scratch_other');
      await lab.run('SELECT pg_stat_force_next_flush()');
    });

    it('names the columns that a statement compares, with what the index costs, until it is made', async () => {
      await ask('SELECT word FROM scratch WHERE owner_id = ? AND price >= 3');

      const rows = await adviceOn('scratch');
      expect(rows).toMatchObject([
        {
          columns: 'owner_id, price',
          index: 'scratch_owner_id_price',
          calls: 12,
          weighedBy: 'estimate',
          create: 'CREATE INDEX CONCURRENTLY scratch_owner_id_price ON scratch (owner_id, price)',
          declaration: expect.stringContaining(
            `@PerformanceIndex('scratch_owner_id_price', { on: ['ownerId', 'price'],`,
          ),
        },
      ]);
      expect(rows[0]?.['writes']).toBeGreaterThanOrEqual(ROWS);
      expect(rows[0]?.['bytes']).toBeGreaterThan(ROWS * 8);
      expect(rows[0]?.['costAfter']).toBeLessThan(rows[0]?.['costBefore'] / 2);

      await lab.run(rows[0]?.['create']);
      expect(await adviceOn('scratch')).toEqual([]);
    });

    it('puts what orders a page behind what it compares, as the LIMIT asks for few rows', async () => {
      await ask(`SELECT id FROM scratch WHERE kind = 'kind ?' ORDER BY price DESC LIMIT 5`);

      expect(await adviceOn('scratch')).toMatchObject([{ columns: 'kind, price' }]);
    });

    it('serves the other side of a join', async () => {
      await ask('SELECT s.word FROM scratch_other o JOIN scratch s ON s.owner_id = o.id WHERE o.place = ?');

      expect(await adviceOn('scratch')).toMatchObject([{ columns: 'owner_id' }]);
    });

    it.each(['HASH', 'RANGE'])('is on a whole table that is parted by %s', async (by) => {
      await lab.run('DROP TABLE scratch');
      await lab.run(`CREATE TABLE scratch (id int NOT NULL, price int NOT NULL) PARTITION BY ${by} (id)`);
      for (const part of [0, 1, 2, 3])
        await lab.run(
          `CREATE TABLE scratch_${part} PARTITION OF scratch FOR VALUES ${
            by === 'HASH'
              ? `WITH (MODULUS 4, REMAINDER ${part})`
              : `FROM (${(part * ROWS) / 4}) TO (${((part + 1) * ROWS) / 4})`
          }`,
        );
      await lab.run('INSERT INTO scratch SELECT n, n FROM generate_series(0, $1) AS n', [ROWS - 1]);
      await lab.run('ANALYZE scratch');
      await ask('SELECT price FROM scratch WHERE id = ?');
      await ask('SELECT id FROM scratch WHERE id > ? ORDER BY price LIMIT 5');
      await ask('SELECT o.id, s.id FROM scratch_other o JOIN scratch s ON s.price = o.id WHERE o.place = ?');

      const advice = (await adviceOn('scratch')).toSorted((a, b) => b['columns'].localeCompare(a['columns']));
      expect(advice).toMatchObject([
        { columns: 'price', calls: 24, create: 'CREATE INDEX scratch_price ON scratch (price)' },
        { columns: 'id', calls: 12, create: 'CREATE INDEX scratch_id ON scratch (id)' },
      ]);
      for (const { costBefore, costAfter } of advice) expect(costAfter).toBeLessThan(costBefore / 2);
    });

    it('leaves out what an index covers, what few ask, and small tables', async () => {
      await lab.run('CREATE INDEX scratch_covering ON scratch (price, owner_id, kind)');
      await ask('SELECT word FROM scratch WHERE owner_id = ? AND price = 3');
      await ask('SELECT count(*) FROM scratch_other WHERE place = ?');
      await lab.run(`SELECT word FROM scratch WHERE kind = 'rarely asked'`);

      expect(await adviceOn('scratch')).toEqual([]);
      expect(await adviceOn('scratch_other')).toEqual([]);
    });

    it('says that it is an estimate, and shows no value', async () => {
      await ask(`SELECT id FROM scratch WHERE word = 'a secret of somebody ?'`);

      const { body } = await read('indexes/advice');
      expect(body.notes.join()).toContain('HypoPG is not installed');
      expect(JSON.stringify(body)).not.toContain('a secret of somebody');
    });
  });
});
