import { transformFileSync } from '@swc/core';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { startEmbeddedPostgres, type EmbeddedDatabase } from '../../src/database/embedded/embedded-postgres';
import { removeFolder } from './remove-folder';

const SOURCES = resolve(__dirname, '../../src/database/embedded');
/** All that the embedded database takes from elsewhere, below `src`. */
const FROM_ELSEWHERE = ['config/data-folder', 'database/sql-states'];
const SOURCE_ROOT = resolve(SOURCES, '../..');
const MODULES = resolve(__dirname, '../../node_modules');

/** A process that started the embedded database in its own node, as a server or a command does. */
export interface Starter {
  readonly process: ChildProcess;
  /** Resolves with what it found once the database runs; rejects with its sentence. */
  readonly started: Promise<{ ownerUrl: string; directory: string; origin: EmbeddedDatabase['origin'] }>;
}

/** Temporary DATA_DIRs with real clusters, and everything that was started in them, for one spec file. */
export class EmbeddedLab {
  /** What people were told in the current test. */
  readonly sentences: string[] = [];
  private readonly root: string;
  private databases: EmbeddedDatabase[] = [];
  private children: ChildProcess[] = [];
  private template: string | undefined;

  constructor() {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'gridtokenx-lab-')));
    chmodSync(this.root, 0o755); // as root, PostgreSQL runs as another user, who has to come in
  }

  /** The path of a DATA_DIR that does not exist yet. */
  newDataDir(): string {
    const folder = mkdtempSync(join(this.root, 'case-'));
    chmodSync(folder, 0o755);
    return join(folder, 'data');
  }

  /** A DATA_DIR with a cluster that was created and shut down; a copy, since creating one takes a second or two. */
  async dataDir(): Promise<string> {
    this.template ??= await this.createTemplate();
    const dataDir = this.newDataDir();
    execFileSync('cp', ['-a', this.template, dataDir]);
    return dataDir;
  }

  /** Starts the embedded database in this process. */
  async open(dataDir: string): Promise<EmbeddedDatabase> {
    const say = (sentence: string) => void this.sentences.push(sentence);
    const database = await startEmbeddedPostgres({ dataDir, say, durable: false });
    this.databases.push(database);
    return database;
  }

  /** Starts the embedded database in a process of its own. */
  starter(dataDir: string): Starter {
    const child = this.child('starter.js', [dataDir]);
    return { process: child, started: firstLine(child).then((line) => parseStarted(line)) };
  }

  /** Runs one of the compiled scripts: `starter.js DATA_DIR` or `server.js DATA_DIR`, which print one line. */
  child(script: 'starter.js' | 'server.js', words: string[]): ChildProcess {
    const child = spawn(process.execPath, [join(this.compiled(), script), ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.children.push(child);
    return child;
  }

  /** Ends what a test left running, and only then removes clusters elsewhere: two handles may be of one cluster. */
  async tidy(): Promise<void> {
    const [children, databases] = [this.children, this.databases];
    [this.children, this.databases, this.sentences.length] = [[], [], 0];
    for (const child of children) child.kill('SIGKILL');
    for (const database of databases) await database.stop();
    for (const { directory } of databases.filter((database) => !database.directory.startsWith(this.root))) {
      removeFolder(join(directory, '..'));
    }
  }

  /** Removes all folders. */
  close(): void {
    removeFolder(this.root);
  }

  private async createTemplate(): Promise<string> {
    const dataDir = join(this.root, 'template');
    const database = await startEmbeddedPostgres({ dataDir, durable: false, say: () => undefined });
    await database.stop();
    return dataDir;
  }

  private compiled(): string {
    const home = join(this.root, 'compiled');
    const out = join(home, 'database/embedded');
    if (existsSync(out)) return out;
    mkdirSync(out, { recursive: true });
    mkdirSync(join(home, 'config'));
    symlinkSync(MODULES, join(home, 'node_modules'));
    for (const name of FROM_ELSEWHERE)
      writeFileSync(join(home, `${name}.js`), compile(join(SOURCE_ROOT, `${name}.ts`)));
    for (const file of readdirSync(SOURCES).filter(
      (name) => name.endsWith('.ts') && !name.includes('.spec.'),
    )) {
      writeFileSync(join(out, file.replace(/\.ts$/, '.js')), compile(join(SOURCES, file)));
    }
    writeFileSync(join(out, 'starter.js'), starterScript);
    writeFileSync(join(out, 'server.js'), serverScript);
    return out;
  }
}

/** Asks one question of a database and closes the connection. */
export async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}

/** The pid in a cluster's postmaster.pid. */
export function postmasterOf(directory: string): number {
  return Number(readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n')[0]);
}

/** The first line a child prints; rejects when it ends without one. */
export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((settle, reject) => {
    child.on('exit', (code, signal) => reject(new Error(`the child ended with ${signal ?? String(code)}`)));
    if (child.stdout) createInterface(child.stdout).once('line', settle);
  });
}

function parseStarted(line: string): {
  ownerUrl: string;
  directory: string;
  origin: EmbeddedDatabase['origin'];
} {
  const outcome = JSON.parse(line) as
    { ownerUrl: string; directory: string; origin: EmbeddedDatabase['origin'] } | { error: string };
  if ('error' in outcome) throw new Error(outcome.error);
  return outcome;
}

function compile(file: string): string {
  const options = {
    swcrc: false,
    module: { type: 'commonjs' },
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
  };
  return transformFileSync(file, options as Parameters<typeof transformFileSync>[1]).code;
}

const starterScript = `
const { startEmbeddedPostgres } = require('./embedded-postgres');
startEmbeddedPostgres({ dataDir: process.argv[2], durable: false, say: () => undefined }).then(
  ({ ownerUrl, directory, origin }) => console.log(JSON.stringify({ ownerUrl, directory, origin })),
  (error) => console.log(JSON.stringify({ error: error.message })),
);
setInterval(() => undefined, 60_000);
`;

const serverScript = `
const { acquireServerLock } = require('./server-lock');
try {
  acquireServerLock(process.argv[2]);
  console.log('locked');
} catch (error) {
  console.log(error.message);
}
setInterval(() => undefined, 60_000);
`;
