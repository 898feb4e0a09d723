import type { FilledTable } from './tables';

/** What statements of the filled database are written for. */
export interface FillPlan {
  /** How many rows a table is to have. */
  rows(table: FilledTable): number;
  /** First days of the months that data lies in, oldest first, the present one last: `2026-01-01`. */
  readonly months: readonly string[];
}

/**
 * How a table is filled, set-wise, by the functions of `createRandomness`. Statements leave temporary tables (`the_…`)
 * behind, by which those of later tables find the rows that theirs refer to.
 */
export interface TableFill {
  readonly table: FilledTable;
  /** Tables that are filled whenever this one is. */
  readonly with: readonly FilledTable[];
  statements(plan: FillPlan): readonly string[];
}
