import type { PoolState } from '../../database/database.service';
import type { CatalogueIndex } from '../../database/indexes/index-catalogue';
import type { StatementRunner } from '../../database/indexes/statement-runner';
import type { MigrationStatus } from '../../database/schema/migration-states';
import { NotAvailable } from './not-available';

/** What reports are made of. */
export interface ReportSource {
  /** Of the server, such as 150020. */
  readonly serverVersion: number;
  /** Every index that an entity declares. */
  readonly catalogue: readonly CatalogueIndex[];
  /** The pool of this process; undefined where no server runs in it, as in a command. */
  readonly pool: PoolState | undefined;
  /** Runs a statement that changes nothing, as the owner of the database, within seconds. */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /**
   * A new session of the owner that ends with `work`, for what takes more than one statement. It may try changes out in
   * a transaction that it rolls back. There are two at a time: who comes later waits.
   */
  session<Result>(work: (session: StatementRunner) => Promise<Result>): Promise<Result>;
  /** Every migration of this code and of the database, and its state. */
  migrations(): Promise<readonly MigrationStatus[]>;
  /** The schema in which an extension is installed, quoted for SQL; undefined where it is not. */
  extension(name: string): Promise<string | undefined>;
}

/**
 * The schema of an extension that a report needs, quoted for SQL.
 * @throws NotAvailable where it is not installed
 */
export async function needExtension(source: ReportSource, name: string, howTo?: string): Promise<string> {
  const schema = await source.extension(name);
  if (schema !== undefined) return schema;
  throw new NotAvailable(
    name,
    howTo ??
      `run CREATE EXTENSION ${name} in this database, as a role that may; its files come with postgresql-contrib`,
  );
}
