/** A meter with so many readings to mint. */
export interface Candidate {
  readonly id: string;
  readonly waiting: bigint;
}

/**
 * Cuts meters into portions of at most `most` readings, in their order; a meter that has more is a portion
 * of its own.
 */
export function portionsOf(candidates: readonly Candidate[], most: number): string[][] {
  const portions: string[][] = [];
  let room = 0n;
  for (const { id, waiting } of candidates) {
    if (waiting > room || portions.length === 0) {
      portions.push([]);
      room = BigInt(most);
    }
    portions.at(-1)?.push(id);
    room -= waiting;
  }
  return portions;
}
