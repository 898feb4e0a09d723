import { createHash } from 'node:crypto';

const NUMBERS_PER_BLOCK = 8;
const RANGE = 2 ** 32;

/**
 * An endless row of numbers in [0, 1) that depends on the names alone: the same names give the same row on
 * every machine. SHA-256 in counter mode, 32 bits a number; for models, not for secrets.
 */
export function* seededRandom(...names: readonly (string | number)[]): Generator<number, never> {
  for (let block = 0; ; block++) {
    const bytes = createHash('sha256')
      .update(JSON.stringify([names, block]))
      .digest();
    for (let index = 0; index < NUMBERS_PER_BLOCK; index++) yield bytes.readUInt32BE(index * 4) / RANGE;
  }
}

/** The next number of a row, stretched to [least, most). */
export function between(row: Generator<number, never>, least: number, most: number): number {
  return least + (most - least) * row.next().value;
}
