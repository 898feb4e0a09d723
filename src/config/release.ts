import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What `npm run build` leaves beside what it built: a digest of the sources. */
const STAMP = 'built-from';
const DIGEST_CHARACTERS = 12;

/** The version of this application, as its package.json says: the nearest one above, whether compiled or not. */
export const RELEASE: string = releaseAbove(__dirname);

/**
 * Tells builds apart, of the same version too: `0.1.0+3f2a…`, by what they were built from. The same in every process of a
 * build, on every machine and after every restart. Where nothing was built, as in tests, it is the version alone.
 */
export const BUILD: string = buildAbove(__dirname);

function releaseAbove(folder: string): string {
  return (JSON.parse(readFileSync(packageAbove(folder), 'utf8')) as { version: string }).version;
}

function packageAbove(folder: string): string {
  const file = join(folder, 'package.json');
  if (existsSync(file)) return file;
  const above = dirname(folder);
  if (above === folder) throw new Error('There is no package.json above the application');
  return packageAbove(above);
}

/** The build that a folder belongs to; see {@link BUILD}. */
export function buildAbove(folder: string): string {
  const release = releaseAbove(folder);
  const top = dirname(packageAbove(folder));
  for (let place = folder; ; place = dirname(place)) {
    const stamp = join(place, STAMP);
    if (existsSync(stamp)) return `${release}+${digestOf(stamp)}`;
    if (place === top) return release;
  }
}

function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, DIGEST_CHARACTERS);
}
