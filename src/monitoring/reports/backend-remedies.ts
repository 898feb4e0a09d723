/** How to end what a process of the server does, as findings say it. */
export const cancelStatement = (pid: number): string =>
  `POST /api/admin/db/backends/${pid}/cancel ends its statement`;

/** A session without a running statement, such as one that is idle in a transaction, does not hear of a cancel. */
export const endSession = (pid: number): string =>
  `POST /api/admin/db/backends/${pid}/terminate ends its session and rolls its transaction back`;

/** @param gid of the prepared transaction, quoted as SQL */
export const endPrepared = (gid: string): string =>
  `COMMIT PREPARED ${gid} or ROLLBACK PREPARED ${gid}, as whoever prepared it, ends it`;
