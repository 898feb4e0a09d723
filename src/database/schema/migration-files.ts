import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { MigrationInterface } from 'typeorm';

const FOLDER = join(__dirname, '../../../migrations');
/** `0003-ledger.ts`, or what it is compiled to. */
const FILE = /^(?<title>(?<number>\d{4})-[^.]+)\.(ts|js)$/;

/**
 * The migrations of this code, by number, with their titles (`0003-ledger`), from the names of their files: for those
 * who only need to know which there are, and often.
 */
export async function migrationFiles(): Promise<ReadonlyMap<number, string>> {
  const files = (await readdir(FOLDER)).sort().map((file) => FILE.exec(file)?.groups);
  return new Map(
    files.flatMap((parts) =>
      parts === undefined ? [] : [[Number(parts['number']), String(parts['title'])] as const],
    ),
  );
}

/** The migrations of this code themselves, as TypeORM would load them. */
export async function loadMigrations(): Promise<MigrationInterface[]> {
  const files = (await readdir(FOLDER)).filter((file) => FILE.test(file)).sort();
  const modules = await Promise.all(
    files.map((file) => import(join(FOLDER, file)) as Promise<Record<string, unknown>>),
  );
  return modules.flatMap((exported) =>
    Object.values(exported)
      .filter(isClass)
      .map((Class) => new Class()),
  );
}

const isClass = (exported: unknown): exported is new () => MigrationInterface =>
  typeof exported === 'function';
