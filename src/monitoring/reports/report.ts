import type { ReportSource } from './report-source';

/** How a figure is shown to people; JSON carries bytes, milliseconds, counts and ratios (0 to 1) as numbers. */
export type Unit = 'text' | 'count' | 'bytes' | 'milliseconds' | 'seconds' | 'ratio' | 'time' | 'flag';

/** A figure of a row. Counts above 2^53 are texts; what is not known is null. */
export type Cell = string | number | boolean | null | readonly string[];

export interface Column<Key extends string = string> {
  /** What a view of PostgreSQL says is called as its column, in camelCase: `seqScan` for `seq_scan`. */
  readonly key: Key;
  /** In words for people. */
  readonly title: string;
  readonly unit: Unit;
}

export type Severity = 'info' | 'warn' | 'critical';

/** Something that somebody should look at, by its name, with the way to mend it. */
export interface Finding {
  readonly severity: Severity;
  /** What it is about: a table, an index, a process of the server, a setting. */
  readonly subject: string;
  /** What is wrong, in a sentence. */
  readonly detail: string;
  /** What to do, in a sentence or a command. */
  readonly remedy: string;
}

/** What a report is read with. */
export interface ReportQuery {
  /** No more rows than that are shown: a report gives all of them, and what is shown over time in so many parts. */
  readonly limit: number;
  /** The window of reports that have a history; unset: since statistics were reset. */
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

/** What may be asked of a report, beside its name. */
export interface AskedQuery extends Omit<ReportQuery, 'limit'> {
  /** As many as the report shows by itself where it is left out. */
  readonly limit?: number | undefined;
}

/** What a report found out. */
export interface Reading<Key extends string = string> {
  /** All of them, what matters most first: the reader cuts them, and says so. */
  readonly rows: readonly Readonly<Record<Key, Cell>>[];
  /** Of all rows, also of those that are not shown. */
  readonly findings?: readonly Finding[];
  /** What has to be known to read the figures: since when they count, what is an estimate. */
  readonly notes?: readonly string[];
  /** Figures of the whole, such as a sum. */
  readonly summary?: Readonly<Record<string, Cell>>;
}

/** One question that operators ask of PostgreSQL, in a file of its own. */
export interface Report<Key extends string = string> {
  /** The path below `/api/admin/db/`, and the name for `npm run db:report --`. */
  readonly name: string;
  readonly title: string;
  /** What the figures mean. */
  readonly meaning: string;
  /** What to do about them. */
  readonly remedy: string;
  readonly columns: readonly Column<Key>[];
  /** How many rows are shown where nobody says how many; 500 where it is left out. */
  readonly shownRows?: number;
  /** It looks back: `from` and `to` are taken. */
  readonly hasHistory?: true;
  /** @throws NotAvailable where an extension, a right or a version is missing */
  read(source: ReportSource, query: ReportQuery): Promise<Reading<Key>>;
}
