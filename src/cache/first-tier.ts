import QuickLRU from 'quick-lru';
import type { PrefixStatistics } from './cache-statistics';
import { TagTable, unchanged, type TagState } from './tag-table';

/** What a record costs beside its key and value: the record, its promise, and its places in the maps. */
const RECORD_BYTES = 600;
/** Objects take about twice the bytes of their JSON. */
const BYTES_PER_JSON_BYTE = 2;
/** Between this and twice as many records, however small they are. */
const MAX_RECORDS = 50_000;
const MAX_TAGS = 100_000;
/** The fullest part that goes at once when there is no room, so that making room is rare. */
const SHARE_EVICTED = 8;

/** An answer in the memory of this process. Everything that is reached from it is frozen or only read. */
export interface FirstTierRecord {
  readonly value: unknown;
  /** The value for whoever awaits it, made once. */
  readonly answer: Promise<unknown>;
  readonly version: string;
  readonly createdAt: number;
  readonly freshUntil: number;
  readonly expiresAt: number;
  /** From then on it is renewed behind whoever asks, and when that is tried next. */
  renewAt: number;
  retryAt: number;
  readonly states: readonly TagState[];
  readonly generations: readonly number[];
  readonly bytes: number;
  readonly statistics: PrefixStatistics;
}

export type FirstTierDraft = Omit<FirstTierRecord, 'answer' | 'bytes'>;

/** Answers in the memory of this process, the least recently used ones gone when they take more than they may. */
export class FirstTier {
  readonly tags = new TagTable(MAX_TAGS);
  private readonly records: QuickLRU<string, FirstTierRecord>;
  private bytesKept = 0;
  private closed = false;

  constructor(private readonly maxBytes: number) {
    this.records = new QuickLRU({
      maxSize: MAX_RECORDS,
      onEviction: (_key, record) => this.forget(record),
    });
  }

  /** What counts now, fresh or stale. */
  get(key: string, now: number): FirstTierRecord | undefined {
    const record = this.records.get(key);
    if (record === undefined) return undefined;
    if (now < record.expiresAt && unchanged(record.states, record.generations)) return record;
    this.delete(key);
    return undefined;
  }

  /** @param jsonBytes what the value takes as JSON, as measured when it was frozen */
  put(key: string, draft: FirstTierDraft, jsonBytes: number): void {
    if (this.closed) return;
    this.delete(key);
    const bytes = RECORD_BYTES + 2 * key.length + BYTES_PER_JSON_BYTE * jsonBytes;
    if (bytes > this.maxBytes) return;
    const record = recordOf(draft, bytes);
    this.count(record, bytes);
    this.records.set(key, record);
    while (this.bytesKept > this.maxBytes) this.records.evict(Math.ceil(this.records.size / SHARE_EVICTED));
  }

  delete(key: string): void {
    const record = this.records.peek(key);
    if (record === undefined) return;
    this.records.delete(key);
    this.count(record, -record.bytes);
  }

  /** @returns how many there were */
  deleteMatching(matches: (key: string) => boolean): number {
    const keys = [...this.records.keys()].filter(matches);
    for (const key of keys) this.delete(key);
    return keys.length;
  }

  clear(): void {
    this.deleteMatching(() => true);
    this.records.clear();
  }

  /** While invalidations of other processes do not arrive nothing is kept. */
  close(): void {
    this.closed = true;
    this.clear();
  }

  open(): void {
    this.clear();
    this.closed = false;
  }

  /** Whether anything can be kept at all. */
  get hasRoom(): boolean {
    return this.maxBytes > 0 && !this.closed;
  }

  get isOpen(): boolean {
    return !this.closed;
  }

  get size(): { entries: number; bytes: number; maxBytes: number } {
    return { entries: this.records.size, bytes: this.bytesKept, maxBytes: this.maxBytes };
  }

  private forget(record: FirstTierRecord): void {
    this.count(record, -record.bytes);
    record.statistics.memory.evictions++;
  }

  private count({ statistics }: FirstTierRecord, bytes: number): void {
    this.bytesKept += bytes;
    statistics.memory.bytes += bytes;
  }
}

/** Written out: spreading it takes longer than all the rest of keeping it. */
const recordOf = (draft: FirstTierDraft, bytes: number): FirstTierRecord => ({
  value: draft.value,
  answer: Promise.resolve(draft.value),
  version: draft.version,
  createdAt: draft.createdAt,
  freshUntil: draft.freshUntil,
  expiresAt: draft.expiresAt,
  renewAt: draft.renewAt,
  retryAt: draft.retryAt,
  states: draft.states,
  generations: draft.generations,
  bytes,
  statistics: draft.statistics,
});
