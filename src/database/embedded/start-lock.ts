import { setTimeout as delay } from 'node:timers/promises';
import { inDataDir } from './data-dir';
import { EmbeddedDatabaseError } from './embedded-database.error';
import { claimExclusively, type LiveClaim, type ProcessClaim } from './process-claim';

const POLL_MS = 20;
const SLOW_MS = 5_000;
const TIMEOUT_MS = 11 * 60_000; // longer than the other may wait for a crash recovery

/**
 * Does something while no other process creates, starts or stops the cluster of this DATA_DIR. A lock left by a killed
 * process counts for nothing.
 * @throws EmbeddedDatabaseError when another process has had it for more than ten minutes
 */
export async function withStartLock<T>(
  dataDir: string,
  say: (sentence: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const lock = await waitPatiently(dataDir, say);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/** Waits for the start lock, and answers with it or with the process that still has it after the time. */
export async function waitForStartLock(
  dataDir: string,
  timeoutMs: number,
): Promise<{ lock: ProcessClaim; rival?: never } | { lock?: never; rival: LiveClaim }> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const { claim, rival } = claimExclusively(inDataDir.locks(dataDir), 'start');
    if (claim) return { lock: claim };
    if (Date.now() >= deadline) return { rival };
    await delay(POLL_MS);
  }
}

async function waitPatiently(dataDir: string, say: (sentence: string) => void): Promise<ProcessClaim> {
  const soon = await waitForStartLock(dataDir, SLOW_MS);
  if (soon.lock) return soon.lock;
  say(
    `Process ${soon.rival.pid} is starting or stopping the embedded database of ${dataDir}: waiting for it.`,
  );
  const late = await waitForStartLock(dataDir, TIMEOUT_MS);
  if (late.lock) return late.lock;
  throw new EmbeddedDatabaseError(
    `Process ${late.rival.pid} is still starting or stopping the embedded database of ${dataDir}: ` +
      'stop that process, then try again.',
  );
}
