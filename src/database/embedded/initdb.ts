import { spawn } from 'node:child_process';
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { program, type Binaries } from './binaries';
import { STAGING_PREFIX, type ClusterPlace } from './cluster-directory';
import { EmbeddedDatabaseError, explained } from './embedded-database.error';
import { asUser, type OsUser } from './os-process';
import { reasonIn } from './postmaster-log';
import { OWNER } from './roles';

/** For a small machine; an operator may change them later with ALTER SYSTEM. */
const settings = {
  max_connections: '100',
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  max_wal_size: '2GB',
  random_page_cost: '1.1', // solid-state disks
  jit: 'off', // short queries only; compiling them costs more than it saves
};

/**
 * Creates a cluster, owned by a superuser with this password. It is made beside its place and appears there only when
 * it is complete, so that a kill or a power cut leaves either no cluster or a whole one.
 * @param durable false skips what makes it survive a power cut
 * @throws EmbeddedDatabaseError with initdb's own words when it fails
 */
export async function createCluster(
  place: ClusterPlace,
  binaries: Binaries,
  ownerPassword: string,
  durable: boolean,
): Promise<void> {
  const { directory, user } = place;
  const parent = dirname(directory);
  const trouble = `The database cannot be created in ${directory}`;
  const advice = 'make room there or choose another DATA_DIR';
  const staging = explained(trouble, advice, () => prepareStaging(parent, user, ownerPassword));
  try {
    const data = join(staging, 'data');
    await runInitdb(binaries, [...initdbArguments(data, join(staging, 'password')), ...sync(durable)], place);
    explained(trouble, advice, () => publishCluster(data, directory));
  } finally {
    rmSync(staging, { recursive: true, force: true, maxRetries: 5 });
  }
}

function prepareStaging(parent: string, user: OsUser | null, ownerPassword: string): string {
  const staging = mkdtempSync(join(parent, STAGING_PREFIX));
  const passwordFile = join(staging, 'password');
  writeFileSync(passwordFile, `${ownerPassword}\n`, { mode: 0o600 });
  for (const path of user ? [passwordFile, staging] : []) chownSync(path, user?.uid ?? 0, user?.gid ?? 0);
  return staging;
}

function initdbArguments(data: string, passwordFile: string): string[] {
  return [
    `--pgdata=${data}`,
    `--username=${OWNER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--data-checksums',
    ...Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
  ];
}

function sync(durable: boolean): string[] {
  return durable ? [] : ['--no-sync'];
}

function publishCluster(data: string, directory: string): void {
  if (existsSync(directory)) rmdirSync(directory); // empty, or the cluster would not have been made
  renameSync(data, directory);
  syncFolder(dirname(directory));
}

function syncFolder(folder: string): void {
  if (process.platform === 'win32') return; // a folder cannot be opened there
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function runInitdb(binaries: Binaries, words: string[], { directory, user }: ClusterPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    const initdb = spawn(program(binaries, 'initdb'), words, {
      ...asUser(user),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaint = '';
    initdb.stderr
      .setEncoding('utf8')
      .on('data', (chunk: string) => (complaint = (complaint + chunk).slice(0, 16_000)));
    initdb.on('error', (error) => reject(failure(directory, error.message)));
    initdb.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(failure(directory, reasonIn(complaint) ?? `it ended with ${signal ?? `code ${code}`}`));
    });
  });
}

function failure(directory: string, complaint: string): EmbeddedDatabaseError {
  return new EmbeddedDatabaseError(
    `The database cannot be created in ${directory} because initdb failed (${complaint}): ` +
      'mend that or choose another DATA_DIR, then start again.',
  );
}
