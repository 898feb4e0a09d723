/** Deeper than any answer; what is deeper is most likely a circle. */
const MAX_DEPTH = 100;

/** The value is no plain JSON, so a copy from Redis would be another thing than what was computed. */
export class NotPlainJson extends TypeError {}

/**
 * Freezes a value through and through, so that nobody who is given it can change the cache.
 * @returns about how many bytes it takes as JSON; characters beyond ASCII count once
 * @throws NotPlainJson for what JSON does not give back as it was: dates, maps, bigint, functions, circles
 */
export function freezeAndMeasure(value: unknown, depth = 0): number {
  switch (typeof value) {
    case 'string':
      return value.length + 2;
    case 'number':
      if (!Number.isFinite(value)) throw new NotPlainJson(`${value} is no JSON`);
      return Number.isInteger(value) && value < 10_000 ? 4 : 12;
    case 'boolean':
      return 5;
    case 'object':
      if (value === null) return 4;
      if (depth > MAX_DEPTH) throw new NotPlainJson('the value is nested too deep, or in a circle');
      return Array.isArray(value) ? freezeArray(value, depth) : freezeRecord(value, depth);
    default:
      throw new NotPlainJson(`a ${typeof value} is no JSON`);
  }
}

/** The same for what was just taken from JSON, which is plain, and whose size nobody asks for. */
export function freezeParsed(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') freezeParsed(item);
  } else {
    for (const name in value) {
      const part = (value as Record<string, unknown>)[name];
      if (typeof part === 'object') freezeParsed(part);
    }
  }
  Object.freeze(value);
}

function freezeArray(items: unknown[], depth: number): number {
  let bytes = 2;
  for (const item of items)
    bytes += typeof item === 'string' ? item.length + 3 : freezeAndMeasure(item, depth + 1) + 1;
  Object.freeze(items);
  return bytes;
}

function freezeRecord(record: object, depth: number): number {
  const prototype: unknown = Object.getPrototypeOf(record);
  if (prototype !== Object.prototype && prototype !== null && !isForeignRecord(prototype as object))
    throw new NotPlainJson(`a ${(prototype as object).constructor.name} is no plain object`);
  let bytes = 2;
  for (const name in record) {
    const value = (record as Record<string, unknown>)[name];
    // Most are texts, and asking for each of them would take as long again.
    if (typeof value === 'string') bytes += name.length + value.length + 6;
    // JSON leaves such a property out; whoever reads it gets undefined either way.
    else if (value !== undefined) bytes += name.length + 4 + freezeAndMeasure(value, depth + 1);
  }
  Object.freeze(record);
  return bytes;
}

/** A plain object of another realm (a worker's, a sandbox's) has a prototype that ends like ours. */
function isForeignRecord(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty');
}
