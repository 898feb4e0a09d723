/** What a key must not hold as it is: separators, wildcards, and what is not printable ASCII. */
const TO_ENCODE = /[^\w.~|,=@-]/;

/** Of a key and its parts. Putting a longer one together takes little beside what else is done with so long a request. */
const MAX_LENGTH = 600;
/** About what a part takes beside its text: its map, and its place in the one before it. */
const PART_BYTES = 350;
/** Texts beyond Latin-1 take two bytes for each character. */
const BYTES_PER_CHARACTER = 2;

/** Parts seen lately, with the key they lead to. */
interface KnownParts {
  key: string | undefined;
  next: Map<string, KnownParts> | undefined;
}

const noParts = (): KnownParts => ({ key: undefined, next: undefined });

/**
 * Remembers the keys that parts lead to, so that who asks for the same again is given the same text: one that is made
 * anew costs a map more than all the rest. When there is no more room all are forgotten.
 */
export class KnownKeys {
  private root = noParts();
  private bytesKept = 0;

  /** @param maxBytes about what all of them may take */
  constructor(private readonly maxBytes: number) {}

  /** About what they take now. */
  get bytes(): number {
    return this.bytesKept;
  }

  keyOf(key: readonly string[]): string {
    let parts = this.root;
    for (let index = 0; index < key.length; index++) {
      const part = key[index] as string;
      const next = parts.next?.get(part);
      if (next === undefined) return this.remember(key);
      parts = next;
    }
    return parts.key ?? this.remember(key);
  }

  private remember(key: readonly string[]): string {
    const text = composed(key);
    let length = text.length;
    for (const part of key) length += part.length;
    if (length > MAX_LENGTH) return text;
    const bytes = key.length * PART_BYTES + length * BYTES_PER_CHARACTER;
    if (this.bytesKept + bytes > this.maxBytes) {
      this.root = noParts();
      this.bytesKept = 0;
    }
    this.bytesKept += bytes;
    let parts = this.root;
    for (const part of key) parts = stepTo(parts, part);
    parts.key = text;
    return text;
  }
}

function stepTo(parts: KnownParts, part: string): KnownParts {
  parts.next ??= new Map();
  let next = parts.next.get(part);
  if (next === undefined) {
    next = noParts();
    parts.next.set(part, next);
  }
  return next;
}

function composed([prefix, ...parts]: readonly string[]): string {
  return [prefix, ...parts.map(encodedPart)].join(':');
}

/** Parts come from requests: a colon or star in one must not reach into another key. The prefix is ours. */
function encodedPart(part: string): string {
  return TO_ENCODE.test(part) ? encodeURIComponent(part).replaceAll('*', '%2A') : part;
}
