import { sqlState } from '../../database/query-events';
import { SqlState } from '../../database/sql-states';

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

/** SQLSTATE object_not_in_prerequisite_state: among others, the extension is there and its library is not loaded. */
export const NOT_LOADED = SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE;
/** The name of the setting is the same in every language PostgreSQL speaks. */
const LIBRARY = /^\W*(\w+).*shared_preload_libraries/s;

/**
 * What PostgreSQL's error says is missing, and how to get it; undefined where it is an error of another kind, such as that of a
 * statement that took too long: nothing is missing then.
 */
export function asNotAvailable(error: unknown): NotAvailable | undefined {
  if (error instanceof NotAvailable) return error;
  if (!(error instanceof Error)) return undefined;
  switch (sqlState(error)) {
    case SqlState.INSUFFICIENT_PRIVILEGE:
      return new NotAvailable(
        'a right',
        `PostgreSQL says "${error.message}": GRANT pg_monitor TO the role of DATABASE_MIGRATION_URL, or of DATABASE_URL without it`,
      );
    case SqlState.LOCK_NOT_AVAILABLE:
      return new NotAvailable(
        'access to a table',
        'Somebody keeps everyone else out of a table just now: the report locks shows who, and afterwards this one can be asked again',
      );
    case NOT_LOADED:
      return notLoaded(LIBRARY.exec(error.message)?.[1]);
    default:
      return undefined;
  }
}

/** How a library gets into PostgreSQL. */
export const loading = (library: string): string =>
  `add ${library} to shared_preload_libraries in the configuration of PostgreSQL and restart it`;

const notLoaded = (library: string | undefined): NotAvailable | undefined =>
  library === undefined ? undefined : new NotAvailable(`the library of ${library}`, loading(library));
