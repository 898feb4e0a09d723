/** What a statement does and to which table, as bounded metric labels. */
export interface StatementKind {
  readonly operation: string;
  readonly entity: string;
}

const OPERATION =
  /^\s*(?:--[^\n]*\n\s*)*(select|insert|update|delete|with|start|begin|commit|rollback|savepoint|release|set)\b/i;
/** In whatever schema our tables were made. */
const TABLE = /\b(?:from|into|update|join)\s+(?:only\s+)?(?:(?:"[^"]+"|[a-z_][\w$]*)\.)?"?([a-z_]{3,63})"?/gi;
/** What is about none of our tables. */
export const OTHER_TABLE = 'other';
const CACHE_LIMIT = 5_000;

const kinds = new Map<string, StatementKind>();

/**
 * Names a statement by its first verb and the first of the known tables in it.
 * @param tables the tables of the schema; anything else is `other`, so that labels stay bounded
 */
export function statementKind(text: string, tables: ReadonlySet<string>): StatementKind {
  const known = kinds.get(text);
  if (known !== undefined) return known;
  const operation = OPERATION.exec(text)?.[1]?.toLowerCase() ?? 'other';
  const mentioned = [...text.matchAll(TABLE)].map(([, name]) => (name as string).toLowerCase());
  const kind = { operation, entity: mentioned.find((name) => tables.has(name)) ?? OTHER_TABLE };
  if (kinds.size < CACHE_LIMIT) kinds.set(text, kind);
  return kind;
}
