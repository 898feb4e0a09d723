/** A report cannot be given on this server as it is; it says what is missing and how to get it. */
export class NotAvailable extends Error {
  constructor(
    /** Such as `pg_stat_statements` or `pg_read_all_stats`. */
    readonly missing: string,
    readonly howTo: string,
  ) {
    super(`${missing} is missing: ${howTo}`);
  }
}
