/** How to end what a process of the server does, as findings say it. */
export const cancelStatement = (pid: number): string =>
  `POST /api/admin/db/backends/${pid}/cancel ends its statement`;

/** A session without a running statement, such as one that is idle in a transaction, does not hear of a cancel. */
export const endSession = (pid: number): string =>
  `POST /api/admin/db/backends/${pid}/terminate ends its session and rolls its transaction back`;

/** @param gid of the prepared transaction, quoted as SQL */
export const endPrepared = (gid: string): string =>
  `COMMIT PREPARED ${gid} or ROLLBACK PREPARED ${gid}, as whoever prepared it, ends it`;

const AUTOVACUUM = 'autovacuum worker';

/** Autovacuum gives way to who waits for a lock by itself, but not while it prevents a wraparound. */
export const cancelAutovacuum = (pid: number): string =>
  `${cancelStatement(pid)}, where the role of DATABASE_MIGRATION_URL is a superuser or, since PostgreSQL 18, has pg_signal_autovacuum_worker; autovacuum comes again`;

/**
 * How to stop whatever process keeps others waiting.
 * @param kind its `backend_type`; null where PostgreSQL does not show it
 * @param isIdle whether it runs no statement just now
 */
export function stopBackend(pid: number, kind: string | null, isIdle: boolean): string {
  if (kind === AUTOVACUUM) return cancelAutovacuum(pid);
  if (kind !== null && kind !== 'client backend')
    return `It is no session of a client but a ${kind} of the server: as a superuser, SELECT pg_terminate_backend(${pid}) ends it`;
  return isIdle ? endSession(pid) : `${cancelStatement(pid)}; ${endSession(pid)}`;
}
