import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const BYTES = 16;
/** Asking the system for 16 random bytes takes longer than all the rest: they are fetched for a thousand ids at once. */
const pool = new Uint8Array(BYTES * 1024);
let used = pool.length;

let milliseconds = 0;
let sequence = 0;

/**
 * A new primary key: UUIDv7 (RFC 9562), so that keys sort by the time they were made; those of one process
 * sort in the order they were made, by the counter of method 1 in section 6.2.
 */
export function newId(): string {
  const random = randomBytes();
  advance(random);
  return v7({ random, msecs: milliseconds, seq: sequence });
}

/** When a key of ours was made, by the clock of the process that made it. */
export function madeAt(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}

function randomBytes(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return pool.subarray(used, (used += BYTES));
}

/** Counts on within a millisecond, also when the clock goes back; each new millisecond begins at random. */
function advance(random: Uint8Array): void {
  const now = Date.now();
  if (now > milliseconds) {
    milliseconds = now;
    sequence = new DataView(random.buffer, random.byteOffset).getUint32(6) & 0x7fff_ffff;
    return;
  }
  sequence = (sequence + 1) | 0;
  if (sequence === 0) milliseconds++;
}
