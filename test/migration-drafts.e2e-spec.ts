import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Check, Column, Entity, ForeignKey, Unique, type MigrationInterface } from 'typeorm';
import { silence } from '../src/common/progress';
import { IdColumn } from '../src/database/columns';
import type { DatabaseUrls } from '../src/database/database.module';
import { PerformanceIndex } from '../src/database/indexes/performance-index';
import { draftMigrations } from '../src/database/schema/draft';
import { rehearse } from '../src/database/schema/rehearse';
import { asOwner, emptyDatabase } from './support/database';
import { until } from './support/eventually';
import { CommandProcess, migration } from './support/migrations';

const question = { serves: 'nobody but this test', query: 'SELECT 1' };

/** What the code says: ahead of the migration below in every way. */
@Entity('drafted_meters')
@PerformanceIndex('drafted_meters_by_zone', { on: ['zone', 'id'], where: `zone <> 'none'`, ...question })
@PerformanceIndex('drafted_meters_of_reader', { on: ['readerId'], ...question })
@Check('drafted_meters_capacity', 'capacity_w > 0')
@Check('drafted_meters_zone', `zone ~ '^\\w+$'`)
class DraftedMeter {
  @IdColumn()
  id: string;

  @Column('text')
  zone: string;

  @Column('bigint')
  capacityW: string;

  @Column('uuid', { nullable: true })
  @ForeignKey('drafted_meters')
  readerId: string | null;
}

@Entity('drafted_notes')
@PerformanceIndex('drafted_notes_of_meter', { on: ['meterId', 'id'], order: { id: 'DESC' }, ...question })
@Unique(['meterId', 'body'])
class DraftedNote {
  @IdColumn()
  id: string;

  @Column('uuid')
  @ForeignKey(() => DraftedMeter)
  meterId: string;

  @Column('text')
  body: string;
}

@Entity('drafted_orders')
class DraftedOrder {
  @IdColumn()
  id: string;

  @Column({ type: 'enum', enum: ['open', 'held', 'filled'], enumName: 'drafted_status' })
  status: string;

  @Column('bigint')
  amount: string;
}

const METERS = migration(
  'Meters',
  1,
  [
    `CREATE TABLE drafted_meters (
       id uuid CONSTRAINT drafted_meters_pkey PRIMARY KEY, zone text NOT NULL, capacity_w bigint NOT NULL,
       CONSTRAINT drafted_meters_capacity CHECK (capacity_w >= 0))`,
    'CREATE INDEX drafted_meters_by_zone ON drafted_meters (zone, id)',
    'CREATE UNIQUE INDEX drafted_meters_by_capacity ON drafted_meters (capacity_w)',
  ],
  ['DROP TABLE drafted_meters'],
);

const SCHEMA = `import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Notes of meters. */
export class NotesOfMeters1795305600002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(\`
      CREATE TABLE "drafted_notes" (
        "id" uuid NOT NULL,
        "meter_id" uuid NOT NULL,
        "body" text NOT NULL,
        CONSTRAINT "drafted_notes_meter_id_body_key" UNIQUE ("meter_id", "body"),
        CONSTRAINT "drafted_notes_pkey" PRIMARY KEY ("id")
      )\`);
    await queryRunner.query(\`ALTER TABLE "drafted_meters" ADD "reader_id" uuid\`);
    await queryRunner.query(
      \`ALTER TABLE "drafted_meters" ADD CONSTRAINT "drafted_meters_zone" CHECK (zone ~ '^\\\\w+$') NOT VALID\`,
    );
    await queryRunner.query(
      \`ALTER TABLE "drafted_meters" ADD CONSTRAINT "drafted_meters_reader_id_fkey" FOREIGN KEY ("reader_id") REFERENCES "drafted_meters"("id") NOT VALID\`,
    );
    await queryRunner.query(
      \`ALTER TABLE "drafted_notes" ADD CONSTRAINT "drafted_notes_meter_id_fkey" FOREIGN KEY ("meter_id") REFERENCES "drafted_meters"("id")\`,
    );
    await queryRunner.query(\`ALTER TABLE "drafted_meters" DROP CONSTRAINT "drafted_meters_capacity"\`);
    await queryRunner.query(
      \`ALTER TABLE "drafted_meters" ADD CONSTRAINT "drafted_meters_capacity" CHECK ((capacity_w > 0)) NOT VALID\`,
    );
    await queryRunner.query(
      \`CREATE INDEX drafted_notes_of_meter ON drafted_notes USING btree (meter_id, id DESC)\`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(\`ALTER TABLE "drafted_meters" DROP CONSTRAINT "drafted_meters_capacity"\`);
    await queryRunner.query(
      \`ALTER TABLE "drafted_meters" ADD CONSTRAINT "drafted_meters_capacity" CHECK ((capacity_w >= 0))\`,
    );
    await queryRunner.query(\`ALTER TABLE "drafted_notes" DROP CONSTRAINT "drafted_notes_meter_id_fkey"\`);
    await queryRunner.query(\`ALTER TABLE "drafted_meters" DROP CONSTRAINT "drafted_meters_reader_id_fkey"\`);
    await queryRunner.query(\`ALTER TABLE "drafted_meters" DROP CONSTRAINT "drafted_meters_zone"\`);
    await queryRunner.query(\`ALTER TABLE "drafted_meters" DROP COLUMN "reader_id"\`);
    await queryRunner.query(\`DROP TABLE "drafted_notes"\`);
  }
}
`;

const LIVING = `import type { MigrationInterface, QueryRunner } from 'typeorm';
import { buildIndex, dropIndex, replaceIndex } from '../src/database/indexes/index-builder';

/** Notes of meters on living tables. */
export class NotesOfMetersOnLivingTables1795305600003 implements MigrationInterface {
  readonly transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(\`ALTER TABLE "drafted_meters" VALIDATE CONSTRAINT "drafted_meters_zone"\`);
    await queryRunner.query(
      \`ALTER TABLE "drafted_meters" VALIDATE CONSTRAINT "drafted_meters_reader_id_fkey"\`,
    );
    await queryRunner.query(\`ALTER TABLE "drafted_meters" VALIDATE CONSTRAINT "drafted_meters_capacity"\`);
    await dropIndex(queryRunner, { name: 'drafted_meters_by_capacity', table: 'drafted_meters' });
    await replaceIndex(queryRunner, {
      name: 'drafted_meters_by_zone',
      table: 'drafted_meters',
      definition: \`USING btree (zone, id) WHERE zone <> 'none'\`,
    });
    await buildIndex(queryRunner, {
      name: 'drafted_meters_of_reader',
      table: 'drafted_meters',
      definition: 'USING btree (reader_id)',
    });
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await dropIndex(queryRunner, { name: 'drafted_meters_of_reader', table: 'drafted_meters' });
    await replaceIndex(queryRunner, {
      name: 'drafted_meters_by_zone',
      table: 'drafted_meters',
      definition: 'USING btree (zone, id)',
    });
    await buildIndex(queryRunner, {
      name: 'drafted_meters_by_capacity',
      table: 'drafted_meters',
      definition: 'USING btree (capacity_w)',
      unique: true,
    });
  }
}
`;

describe('drafting migrations', () => {
  let project: string;
  let folder: string;
  let urls: DatabaseUrls;
  beforeAll(async () => {
    project = mkdtempSync(join(tmpdir(), 'gridtokenx-drafts-'));
    folder = join(project, 'migrations');
    mkdirSync(folder);
    symlinkSync(join(__dirname, '../src'), join(project, 'src'));
    urls = await emptyDatabase();
  });
  afterAll(() => rmSync(project, { recursive: true }));

  it('writes what may stand in a transaction, and what living tables need, and both lead there and back', async () => {
    const entities = [DraftedMeter, DraftedNote];
    const code = { entities, migrations: [METERS] };
    const { files, notes } = await draftMigrations(urls, { name: 'notes-of-meters', folder, ...code });
    expect(files).toEqual([
      join(folder, '0002-notes-of-meters.ts'),
      join(folder, '0003-notes-of-meters-on-living-tables.ts'),
    ]);
    expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual([SCHEMA, LIVING]);
    expect(notes).toEqual([]);
    const drafted = files.flatMap((file) =>
      Object.values(module.require(file) as Record<string, new () => MigrationInterface>),
    );
    const { differences } = await rehearse(urls, {
      progress: silence,
      entities,
      migrations: [METERS, ...drafted],
    });
    expect(differences).toEqual([]);
  });

  it('adds values to an enum, and says what to look at', async () => {
    const before = migration('Orders', 1, [
      `CREATE TYPE drafted_status AS ENUM ('open', 'filled')`,
      'CREATE TABLE drafted_orders (id uuid CONSTRAINT drafted_orders_pkey PRIMARY KEY, status drafted_status NOT NULL, amount text NOT NULL)',
      'CREATE TABLE forgotten (id int)',
    ]);
    const { files, notes } = await draftMigrations(urls, {
      name: 'orders',
      folder,
      entities: [DraftedOrder],
      migrations: [before],
    });
    const [up] = readFileSync(files[0]!, 'utf8').split('async down');
    expect(up!.match(/(?<=query\(\s*`)[^`]+/g)).toEqual([
      `ALTER TYPE drafted_status ADD VALUE 'held' AFTER 'open'`,
      'ALTER TABLE "drafted_orders" DROP COLUMN "amount"',
      'ALTER TABLE "drafted_orders" ADD "amount" bigint NOT NULL',
    ]);
    expect(notes).toEqual([
      'the table forgotten is declared by no entity: where it shall go, drop it in the draft by hand',
      '0002-orders.ts drops a column with what is in it: is that meant?',
      '0002-orders.ts: an enum loses no values, so see to it that down() makes the type and what uses it anew',
    ]);
  });

  it('has nothing to draft where the migrations lead to what the code says', async () => {
    const drafted = await draftMigrations(urls, { name: 'nothing', folder, entities: [], migrations: [] });
    expect(drafted).toEqual({ files: [], notes: [] });
  });

  it.each(['', 'Notes', '../notes', 'notes_of_meters', 'a'.repeat(61)])(
    'refuses %j as a name',
    async (name) => {
      await expect(draftMigrations(urls, { name, folder, entities: [], migrations: [] })).rejects.toThrow(
        'is no name of a migration',
      );
    },
  );
});

describe('a rehearsal', () => {
  it.each([
    [
      'does not go back',
      migration('Left', 1, ['CREATE TABLE a (id int)', 'CREATE TABLE b (id int)'], ['DROP TABLE a']),
      '0001-left does not go back: there is column b.id integer',
    ],
    [
      'takes back too much',
      migration('Lost', 2, ['SELECT 1'], ['DROP TABLE drafted_meters']),
      '0002-lost does not go back: there is no column drafted_meters.capacity_w bigint NOT NULL',
    ],
    [
      'would lock a table for long',
      migration('Locking', 2, ['CREATE INDEX i ON drafted_meters (id)'], ['DROP INDEX i']),
      'Migration 0002-locking would keep others out of drafted_meters, since',
    ],
  ])('refuses what %s', async (_case, Wrong, sentence) => {
    const urls = await emptyDatabase();
    const migrations = [...(sentence.includes('0002') ? [METERS] : []), Wrong];
    await expect(rehearse(urls, { progress: silence, entities: [], migrations })).rejects.toThrow(sentence);
    expect(await throwAways(urls)).toEqual([]);
  });

  it('drops its database after Ctrl-C, and those that killed processes left behind', async () => {
    const urls = await emptyDatabase();
    const killed = new CommandProcess('rehearse', urls);
    await until(async () => (await throwAways(urls)).length === 1);
    killed.child.kill('SIGKILL');
    await killed.exit();
    const [left] = await throwAways(urls);
    const stopped = new CommandProcess('rehearse', urls);
    await until(async () => {
      const [there] = await throwAways(urls);
      return there !== undefined && there !== left;
    });
    stopped.child.kill('SIGINT');
    expect(await stopped.exit()).toBe(130);
    expect(stopped.said).toContain('Stopped; the throw-away database is gone\n');
    expect(await throwAways(urls)).toEqual([]);
  });
});

describe('the commands', () => {
  it.each([
    ['migrate', ['--to', 'nowhere'], 1, /^There is no migration "nowhere": name one of 0001-foundation, /],
    ['undo', ['--help'], 0, /^Usage: npm run db:undo -- \[options\]/],
    ['info', [], 0, /│ +1 │ foundation +│ pending │ +│ +│/],
    ['validate', ['more'], 1, /^error: too many arguments.*\nTry: npm run db:validate -- --help\n$/],
    [
      'generate',
      ['notes'],
      1,
      /^There is no folder .*migrations: run npm run db:generate where the sources are\n$/,
    ],
  ])('%s %j ends with %d', async (command, words, code, said) => {
    const process = new CommandProcess(command, await emptyDatabase(), words);
    expect(await process.exit()).toBe(code);
    expect(process.said).toMatch(said);
  });
});

const throwAways = async (urls: DatabaseUrls): Promise<string[]> => {
  const rows = await asOwner<{ datname: string }>(
    urls,
    `SELECT datname FROM pg_database WHERE starts_with(datname, current_database() || '_throwaway_')`,
  );
  return rows.map(({ datname }) => datname);
};
