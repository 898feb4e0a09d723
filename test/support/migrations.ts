import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import type { DatabaseUrls } from '../../src/database/database.module';
import { describeSchema } from '../../src/database/schema/schema-description';

type Migration = new () => MigrationInterface;

interface Notes {
  readonly transaction?: boolean;
  readonly longLock?: string;
}

/** A migration class as a file would hold it: `Tables1795305600001` of number 1. */
export function migration(
  name: string,
  number: number,
  up: readonly string[] | ((runner: QueryRunner) => Promise<void>),
  down: readonly string[] = [],
  notes: Notes = {},
): Migration {
  const run = async (runner: QueryRunner, work: typeof up): Promise<void> => {
    if (typeof work === 'function') return work(runner);
    for (const statement of work) await runner.query(statement);
  };
  return class {
    readonly name = `${name}${1_795_305_600_000 + number}`;
    readonly transaction = notes.transaction ?? true;
    readonly longLock = notes.longLock;
    up = (runner: QueryRunner): Promise<void> => run(runner, up);
    down = (runner: QueryRunner): Promise<void> => run(runner, down);
  };
}

/** Three small ones that build on each other. */
export const THREE: [Migration, Migration, Migration] = [
  migration('Meters', 1, ['CREATE TABLE meters (id int)'], ['DROP TABLE meters']),
  migration('MeterNotes', 2, ['CREATE TABLE notes (id int)'], ['DROP TABLE notes']),
  migration('Readings', 3, ['CREATE TABLE readings (id int)'], ['DROP TABLE readings']),
];

/** What a database holds, a line for each thing. */
export async function contents({ ownerUrl }: DatabaseUrls): Promise<string[]> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    return await describeSchema(client);
  } finally {
    await client.end();
  }
}

/** One of the database commands as people start it, on this database. */
export class CommandProcess {
  /** Everything it said so far. */
  said = '';
  readonly child: ChildProcess;
  private readonly ended: Promise<number | NodeJS.Signals>;

  constructor(command: string, urls: DatabaseUrls, words: readonly string[] = []) {
    const file = join(__dirname, `../../dist/src/database/commands/${command}.command.js`);
    this.child = spawn(process.execPath, [file, ...words], {
      cwd: tmpdir(), // where no .env is
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: urls.applicationUrl,
        DATABASE_MIGRATION_URL: urls.ownerUrl,
        JWT_SECRET: 'a secret of tests only, 32 characters or more',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.said += text));
    this.ended = once(this.child, 'close').then(
      ([code, signal]) => (code ?? signal) as number | NodeJS.Signals,
    );
  }

  /** The exit code, or the signal that ended it. */
  exit(): Promise<number | NodeJS.Signals> {
    return this.ended;
  }
}
