import type { Invalidation } from './invalidation-bus';

const LISTS = { tags: 't', keys: 'k', patterns: 'p' } as const;
/** Where the sender stands in what is written here. */
const SENDER_AT = '{"s":"'.length;
type List = keyof typeof LISTS;
const NAMES = Object.keys(LISTS) as List[];

/**
 * As texts of at most so many bytes: long lists are split, and what is too long by itself becomes "everything".
 * @param sender this process, so that it knows its own messages
 */
export function encodeInvalidation(
  sender: string,
  invalidation: Invalidation,
  maxBytes = Infinity,
): string[] {
  if (invalidation.all) return [JSON.stringify({ s: sender, a: 1 })];
  if (maxBytes === Infinity) return encodeWhole(sender, invalidation);
  const texts: string[] = [];
  for (const name of NAMES) {
    let part: string[] = [];
    const text = () => JSON.stringify({ s: sender, [LISTS[name]]: part });
    let bytes = Buffer.byteLength(text());
    for (const item of invalidation[name] ?? []) {
      const size = Buffer.byteLength(JSON.stringify(item)) + 1;
      if (part.length > 0 && bytes + size > maxBytes) {
        texts.push(text());
        part = [];
        bytes = Buffer.byteLength(text());
      }
      if (bytes + size > maxBytes) return encodeInvalidation(sender, { all: true });
      part.push(item);
      bytes += size;
    }
    if (part.length > 0) texts.push(text());
  }
  return texts;
}

/** What a process says to hear itself. It is an invalidation of nothing, so that whoever hears it drops nothing. */
export const encodeHeartbeat = (sender: string): string => JSON.stringify({ s: sender, [LISTS.tags]: [] });

/** Lists of nothing are left out; nothing at all is nothing to say. */
function encodeWhole(sender: string, invalidation: Invalidation): string[] {
  const message: Record<string, unknown> = { s: sender };
  for (const name of NAMES) {
    const items = invalidation[name];
    if (items !== undefined && items.length > 0) message[LISTS[name]] = items;
  }
  return Object.keys(message).length > 1 ? [JSON.stringify(message)] : [];
}

/** @returns undefined for our own messages; everything for what cannot be read, since it may have named anything */
export function decodeInvalidation(receiver: string, text: string): Invalidation | undefined {
  // Most messages that a busy process hears are its own.
  if (text.startsWith(`${receiver}"`, SENDER_AT)) return undefined;
  let message: Record<string, unknown>;
  try {
    message = Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return { all: true };
  }
  if (message['s'] === receiver) return undefined;
  if (message['a'] === 1) return { all: true };
  const lists = NAMES.filter((name) => message[LISTS[name]] !== undefined);
  if (lists.length === 0 || !lists.every((name) => isTexts(message[LISTS[name]]))) return { all: true };
  return Object.fromEntries(lists.map((name) => [name, message[LISTS[name]]]));
}

const isTexts = (list: unknown): list is string[] =>
  Array.isArray(list) && list.every((item) => typeof item === 'string');
