import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The version of this application, as its package.json says: the nearest one above, whether compiled or not. */
export const RELEASE: string = releaseAbove(__dirname);

function releaseAbove(folder: string): string {
  const file = join(folder, 'package.json');
  if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  const above = dirname(folder);
  if (above === folder) throw new Error('There is no package.json above the application');
  return releaseAbove(above);
}
