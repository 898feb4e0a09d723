const SHOWN = 3;
/** PostgreSQL's. */
const LONGEST_NAME = 63;

/** Names that somebody may have meant: `did you mean idx_users_email or idx_users_role?` */
export function nearestNames(wanted: string, known: readonly { readonly name: string }[]): string {
  const names = [...new Set(known.map(({ name }) => name))];
  const ranked = names
    .map((name) => ({ name, ...distances(wanted.slice(0, LONGEST_NAME).toLowerCase(), name) }))
    .sort((a, b) => a.nearest - b.nearest || a.whole - b.whole || (a.name < b.name ? -1 : 1))
    .slice(0, SHOWN)
    .map(({ name }) => name);
  const last = ranked.pop();
  if (last === undefined) return 'the database has none';
  return `did you mean ${ranked.length === 0 ? last : `${ranked.join(', ')} or ${last}`}?`;
}

/** One word of a name counts too: `email` is near to `idx_users_email`. */
function distances(wanted: string, name: string): { whole: number; nearest: number } {
  const whole = editDistance(wanted, name);
  const words = name.split('_').map((word) => editDistance(wanted, word) + 1);
  return { whole, nearest: Math.min(whole, ...words) };
}

/** Levenshtein's: how many letters have to be put in, left out or changed. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, place) => place);
  for (const [done, letter] of [...a].entries()) {
    const next = [done + 1];
    for (let place = 1; place <= b.length; place++) {
      const changed = (row[place - 1] ?? 0) + (letter === b[place - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[place] ?? 0) + 1, (next[place - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
