import { monthly, weekly, type Schedule } from './schedule';

/** What the system does for its database on its own. */
export interface MaintenanceTask {
  /** Of the job, and what reports call it. */
  readonly name: string;
  readonly title: string;
  /** None where something else asks for it. */
  readonly schedule: Schedule | undefined;
  /** What the audit trail says of a run that did what it could, and of one that could do nothing. */
  readonly done: string;
  readonly failed: string;
}

/** In the night of Sunday, when the fewest trade. */
const VACUUM_HOUR = 3;
const REINDEX_HOUR = 4;

export const VACUUM_ALL: MaintenanceTask & { readonly schedule: Schedule } = {
  name: 'maintenance.vacuum',
  title: 'VACUUM ANALYZE of every table',
  schedule: weekly(0, VACUUM_HOUR),
  done: 'maintenance.vacuumed',
  failed: 'maintenance.vacuum_failed',
};

export const REBUILD_BLOATED: MaintenanceTask & { readonly schedule: Schedule } = {
  name: 'maintenance.reindex',
  title: 'REINDEX CONCURRENTLY of bloated indexes',
  schedule: monthly(1, REINDEX_HOUR),
  done: 'maintenance.reindexed',
  failed: 'maintenance.reindex_failed',
};

export const ANALYZE_SOON: MaintenanceTask = {
  name: 'maintenance.analyze',
  title: 'ANALYZE after large imports',
  schedule: undefined,
  done: 'maintenance.analyzed',
  failed: 'maintenance.analyze_failed',
};

/** All of them, in the order in which they are listed. */
export const MAINTENANCE_TASKS: readonly MaintenanceTask[] = [VACUUM_ALL, REBUILD_BLOATED, ANALYZE_SOON];

/** The name that a task works under: of those that come by the clock there is one run at a time. */
export const workName = ({ name, schedule }: MaintenanceTask, about = ''): string =>
  schedule === undefined ? `${name} ${about}` : name;

/**
 * What of an index may hold nothing before it is rebuilt: a B-tree that is written at random keeps a quarter of its pages
 * free, and a rebuild that gives little back is not worth reading the table.
 */
export const BLOAT_SHARE = 0.3;
export const BLOAT_BYTES = 10 * 1024 * 1024;
