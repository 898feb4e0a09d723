/** Whether a statement reads rows, changes them, or does neither, such as the begin of a transaction. */
export type Effect = 'read' | 'write' | 'none';

/** What its words tell of a statement. */
export interface StatementNature {
  readonly effect: Effect;
  /** It takes a list, to do at once what would else be done one by one. */
  readonly isOfMany: boolean;
}

const READS = /^\s*(?:SELECT|WITH|VALUES|TABLE)\b/i;
const WRITES = /^\s*(?:INSERT|UPDATE|DELETE|MERGE)\b/i;
/** A WITH may change rows in any of its parts. */
const CHANGES = /\b(?:INSERT\s+INTO|UPDATE\s+\S+(?:\s+(?:AS\s+)?\S+)?\s+SET|DELETE\s+FROM|MERGE\s+INTO)\b/i;
const LIST = /\b(?:ANY|unnest|jsonb?_to_recordset)\s*\(\s*\$\d/i;
/** Statements are written out in the code; those that are put together are looked at each time. */
const MOST_KNOWN = 2_000;

const known = new Map<string, StatementNature>();

/** What a statement does, and to how much. */
export function natureOf(text: string): StatementNature {
  const before = known.get(text);
  if (before !== undefined) return before;
  const nature = { effect: effectOf(text), isOfMany: LIST.test(text) };
  if (known.size < MOST_KNOWN) known.set(text, nature);
  return nature;
}

function effectOf(text: string): Effect {
  if (WRITES.test(text)) return 'write';
  if (!READS.test(text)) return 'none';
  return CHANGES.test(text) ? 'write' : 'read';
}
