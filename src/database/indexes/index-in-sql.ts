import { createHash } from 'node:crypto';
import type { CatalogueIndex } from './index-catalogue';
import { indexDefinition } from './index-statements';

/** An index in SQL: how a migration freezes it, whatever becomes of the declaration. */
export interface IndexInSql {
  readonly name: string;
  readonly table: string;
  /** What follows the table's name: `(user_id, id) WHERE is_active`, `USING gin (metadata)`. */
  readonly definition: string;
  readonly unique?: boolean;
}

/** PostgreSQL cuts longer names off. */
const LONGEST_NAME = 63;
const PLAIN_NAME = /^[a-z_][a-z0-9_]*$/;

/** A declared index in SQL. */
export function inSql(index: CatalogueIndex): IndexInSql {
  return {
    name: index.name,
    table: index.table,
    unique: index.unique,
    definition: indexDefinition(index),
  };
}

/**
 * Refuses what could not stand in a statement unquoted.
 * @throws RangeError
 */
export function assertPlainName(name: string): void {
  if (PLAIN_NAME.test(name) && name.length <= LONGEST_NAME) return;
  throw new RangeError(
    `${JSON.stringify(name)} is no name for an index or its table: use up to ${LONGEST_NAME} lower-case letters, digits and underscores`,
  );
}

/** Where a new form of an index is built while the old one still serves. */
export const replacementName = (name: string): string => fitting(`${name}_replacement`);

/** What an old form is called between being replaced and being dropped. */
export const replacedName = (name: string): string => fitting(`${name}_replaced`);

/** The name of a partition's own part of an index: `idx_readings_user_id` of `readings_2026_01` ends in `_2026_01`. */
export function partName(index: string, table: string, partition: string): string {
  const place = partition.startsWith(`${table}_`) ? partition.slice(table.length) : `_${partition}`;
  return fitting(`${index}${place}`);
}

/** Names that would be cut off keep their beginning, and a digest instead of their end, so that they stay apart. */
function fitting(name: string): string {
  if (Buffer.byteLength(name) <= LONGEST_NAME) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8);
  const kept = LONGEST_NAME - digest.length - 1;
  return `${name.slice(0, kept)}_${digest}`;
}
