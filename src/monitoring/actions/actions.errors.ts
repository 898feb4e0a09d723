import { DomainError } from '../../common/domain-error';

/** A name of PostgreSQL is never longer. */
const LONGEST_NAME = 63;
const quoted = (name: string): string => JSON.stringify(name.slice(0, LONGEST_NAME));

export class UnknownTable extends DomainError {
  readonly code = 'TABLE_NOT_FOUND';
  readonly kind = 'not-found';
  constructor(name: string, near: string) {
    super(`There is no table ${quoted(name)} in the schema of this application: ${near}`);
  }
}

export class UnknownIndex extends DomainError {
  readonly code = 'INDEX_NOT_FOUND';
  readonly kind = 'not-found';
  constructor(name: string, near: string) {
    super(`There is no index ${quoted(name)} in the schema of this application: ${near}`);
  }
}

export class UnknownAction extends DomainError {
  readonly code = 'ACTION_NOT_FOUND';
  readonly kind = 'not-found';
  constructor() {
    super('There is no such action: the answer that accepted it names its id');
  }
}

/** The owner of the database that we know may not change a thing. */
export class NotOurs extends DomainError {
  readonly code = 'TABLE_NOT_OURS';
  readonly kind = 'conflict';
  constructor(table: string) {
    super(
      `${table} belongs to another role than that of DATABASE_MIGRATION_URL: let that variable name the role that owns the tables`,
    );
  }
}

export class IndexNotRebuildable extends DomainError {
  readonly code = 'INDEX_NOT_REBUILDABLE';
  readonly kind = 'unprocessable';
}

export class UnknownBackend extends DomainError {
  readonly code = 'BACKEND_NOT_FOUND';
  readonly kind = 'not-found';
  constructor(pid: number) {
    super(
      `No client of this database is served by process ${pid}, and it is no autovacuum worker of it: it may have ended; the reports sessions and vacuum show those that there are`,
    );
  }
}

export class OwnBackend extends DomainError {
  readonly code = 'OWN_BACKEND';
  readonly kind = 'conflict';
  constructor(pid: number) {
    super(`Process ${pid} carries out this very request: it cannot end itself`);
  }
}

export class BackendOutOfReach extends DomainError {
  readonly code = 'BACKEND_OUT_OF_REACH';
  readonly kind = 'conflict';
  constructor(pid: number) {
    super(
      `Process ${pid} works for a role that ours may not stop: GRANT pg_signal_backend, pg_read_all_stats TO the role of DATABASE_MIGRATION_URL, for autovacuum pg_signal_autovacuum_worker (PostgreSQL 18 or later); what works for a superuser, and autovacuum before that version, only a superuser may stop`,
    );
  }
}

export class UnknownStatement extends DomainError {
  readonly code = 'STATEMENT_NOT_FOUND';
  readonly kind = 'not-found';
  constructor(queryId: string) {
    super(
      `pg_stat_statements knows no statement ${queryId} of this database: it may have been forgotten since; the report slow-queries shows those that there are`,
    );
  }
}

/** A recorded statement that has no plan, or that must not or could not be run. */
export class StatementNotExplained extends DomainError {
  readonly code = 'STATEMENT_NOT_EXPLAINED';
  readonly kind = 'unprocessable';
  constructor(
    sentence: string,
    /** What the audit trail may say: sentences of PostgreSQL repeat values. */
    readonly reason: string,
  ) {
    super(sentence);
  }
}
