import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = join(__dirname, '..');
const ENTITY_FILE = /\.entity\.[jt]s$/;

/** The files of all entities of all domains: this folder knows them by the form of their names alone. */
export function entityFiles(): string[] {
  return readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((file) => ENTITY_FILE.test(file))
    .map((file) => join(SOURCES, file))
    .sort();
}

/** Runs the declarations of all entities, whether or not an application uses them in this process. */
export function loadEntities(): void {
  for (const file of entityFiles()) module.require(file);
}
