/** Whether a statement reads rows, changes them, or does neither, such as the begin of a transaction. */
export type StatementEffect = 'read' | 'write' | 'none';

const READS = /^\s*(?:SELECT|WITH|VALUES|TABLE)\b/i;
const WRITES = /^\s*(?:INSERT|UPDATE|DELETE|MERGE)\b/i;
/** A WITH may change rows in any of its parts. */
const CHANGES = /\b(?:INSERT\s+INTO|UPDATE\s+\S+(?:\s+(?:AS\s+)?\S+)?\s+SET|DELETE\s+FROM|MERGE\s+INTO)\b/i;
/** Statements are written out in the code; those that are put together are looked at each time. */
const MOST_KNOWN = 2_000;

const known = new Map<string, StatementEffect>();

/** What a statement does, by its words. */
export function effectOf(text: string): StatementEffect {
  const before = known.get(text);
  if (before !== undefined) return before;
  const effect = lookAt(text);
  if (known.size < MOST_KNOWN) known.set(text, effect);
  return effect;
}

function lookAt(text: string): StatementEffect {
  if (WRITES.test(text)) return 'write';
  if (!READS.test(text)) return 'none';
  return CHANGES.test(text) ? 'write' : 'read';
}
