import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { formatBytes, formatShare } from '../../common/figures';
import type { Config } from '../../config/config';
import { inDataDir } from '../../database/embedded/data-dir';
import type { HealthSource } from './health-checks';
import type { PartHealth } from './part-health';

/** A VACUUM FULL, a rebuilt index or a burst of WAL takes that much of a disk easily. */
const LITTLE = 0.15;
/** PostgreSQL ends itself when it cannot write its log. */
const NEARLY_NONE = 0.05;

/** Whether there is room where the embedded database lives; what a server of one's own has, that one's monitoring sees. */
export const diskHealth = ({ embedded, dataDir }: Config, source: HealthSource): Promise<PartHealth> =>
  embedded ? roomIn(clusterFolder(dataDir)) : databaseSize(source);

/** What a disk's free share means. Sizes in bytes. */
export function judgeRoom(folder: string, freeBytes: number, sizeBytes: number): PartHealth {
  const freeShare = sizeBytes === 0 ? 0 : freeBytes / sizeBytes;
  const detail = `${formatBytes(freeBytes)} of ${formatBytes(sizeBytes)} (${formatShare(freeShare)}) are free where ${folder} lies`;
  const figures = { freeBytes, sizeBytes, freeShare };
  if (freeShare >= LITTLE) return { status: 'up', detail, figures };
  return {
    status: freeShare < NEARLY_NONE ? 'down' : 'degraded',
    detail,
    remedy:
      'Give the disk more room, or free some: GET /api/admin/db/space shows what takes it, GET /api/admin/db/replication whether a slot keeps WAL.',
    figures,
  };
}

async function roomIn(folder: string): Promise<PartHealth> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return judgeRoom(folder, bavail * bsize, blocks * bsize);
}

async function databaseSize(source: HealthSource): Promise<PartHealth> {
  const [row] = await source.query<{ bytes: number }>(
    'SELECT pg_database_size(current_database())::float8 AS bytes',
  );
  const databaseBytes = row?.bytes ?? 0;
  return {
    status: 'up',
    detail: `The database takes ${formatBytes(databaseBytes)}; the disk of its server is not seen from here, only by the monitoring of that server`,
    figures: { databaseBytes },
  };
}

/** DATA_DIR, or where its cluster had to go because the user who runs PostgreSQL cannot enter it. */
function clusterFolder(dataDir: string): string {
  const file = inDataDir.location(dataDir);
  const [recorded = ''] = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return recorded.startsWith('/') ? recorded : dataDir;
}
