import QuickLRU from 'quick-lru';
import type { CacheSettings } from '../cache-settings';
import { pack, packCompressed, parsed, unpack, type Envelope } from '../envelope';
import { redisGlob } from '../key-pattern';
import { BatchedReads, readMany } from './batched-reads';
import { UnexpectedReply, type Asker, type RedisGate } from './redis-gate';
import type { Send } from './redis-link';
import { NAMESPACE_TTL_MS } from './namespace';
import { leaseKey, NAMESPACE_KEY, tagKey, valueKey } from './redis-keys';
import { VERSION_OF } from './redis-scripts';
import { isHeld, LOAD_TTL_MS, newVersion, NO_VERSION, TAG_TTL_MS } from './tag-versions';

/** Keys that are looked at in one step; those that match go before its deadline. */
const SCAN_COUNT = '250';
const MAX_LAST_VERSIONS = 10_000;

/** What Redis says of a key now. */
export interface Look {
  /** Of namespace and tags; undefined while one of the tags is about to change: then nothing is kept. */
  readonly versions: Versions | undefined;
  /** What is kept and counts, fresh or stale. */
  readonly envelope: Envelope | undefined;
}

export interface Versions {
  readonly namespace: string;
  /** {@link NO_VERSION} for those that have none. */
  readonly tags: readonly string[];
}

/** Answers in Redis, for all processes. Everything here may throw while Redis is away; see {@link RedisGate}. */
export class SecondTier {
  private readonly versionReads: BatchedReads;
  private readonly lastVersions = new QuickLRU<string, string>({ maxSize: MAX_LAST_VERSIONS });

  constructor(
    private readonly gate: RedisGate,
    private readonly settings: Pick<CacheSettings, 'maxValueBytes' | 'compressAboveBytes'>,
  ) {
    this.versionReads = new BatchedReads(gate);
  }

  /** The answer with everything that decides whether it counts, in one round trip. */
  look(key: string, tags: readonly string[]): Promise<Look> {
    return this.readTogether(key, tags, (value, rest) => {
      const versions = this.seen(rest);
      if (versions instanceof Promise) return this.lookAt(value, key, versions);
      const envelope = this.counting(value, key, versions);
      return envelope instanceof Promise ? this.lookAt(value, key, versions) : { versions, envelope };
    });
  }

  /** The same where something has to be waited for. */
  private async lookAt(
    value: unknown,
    key: string,
    pending: Promise<Versions | undefined> | Versions | undefined,
  ): Promise<Look> {
    const versions = await pending;
    return { versions, envelope: await this.counting(value, key, versions) };
  }

  /** Those of a key's answer that is already at hand, checked against what it must have been computed under. */
  counting(
    packed: unknown,
    key: string,
    versions: Versions | undefined,
  ): Envelope | undefined | Promise<Envelope | undefined> {
    if (packed === undefined || versions === undefined) return undefined;
    const opened = unpack(packed, key, this.settings.maxValueBytes);
    if (!(opened instanceof Promise)) return current(opened, versions);
    return opened.then((envelope) => current(envelope, versions));
  }

  /** What to write for an answer. */
  pack(envelope: Envelope, jsonBytes: number) {
    return jsonBytes > this.settings.compressAboveBytes ? packCompressed(envelope) : pack(envelope);
  }

  /** Keeps an answer, {@link pack}ed, whatever loads of it are running: they do not fill over what was not there when they began. */
  set(envelope: Envelope, packed: unknown): Promise<unknown> {
    const { connection } = this.gate;
    const milliseconds = Math.max(1, Math.ceil(envelope.expiresAt - envelope.createdAt));
    return this.gate.ask(() => connection.values.set(valueKey(envelope.key), packed, milliseconds));
  }

  /** Drops an answer and the right of running loads to fill it, in this order. */
  async delete(key: string, asker: Asker = this.gate): Promise<void> {
    const { connection } = this.gate;
    await asker.ask(() => {
      const lease = connection.send(leaseKey(key), ['DEL', leaseKey(key)]);
      return Promise.all([lease, connection.values.del(valueKey(key))]);
    });
  }

  /**
   * Drops all answers whose keys match. Leases go first and by themselves: a load that filled while they were looked
   * through has written what the second pass finds.
   * @returns how many answers there were
   */
  async deleteMatching(pattern: string, asker: Asker = this.gate): Promise<number> {
    const glob = redisGlob(pattern);
    await this.unlinkMatching(asker, leaseKey(glob));
    return this.unlinkMatching(asker, valueKey(glob));
  }

  /** Of namespace and tags, for an answer that is at hand; undefined while one of the tags is about to change. */
  async versionsOf(tags: readonly string[]): Promise<Versions | undefined> {
    return this.complete(await this.readVersions(tags), tags);
  }

  /** The same, for looking only: {@link NO_VERSION} where there is none. */
  async versionsSeen(tags: readonly string[]): Promise<Versions | undefined> {
    return this.seen(await this.readVersions(tags));
  }

  /**
   * The same with a version for each tag that had none: something is about to be kept under it. A look-up makes none,
   * or whoever asks for what does not exist would fill Redis.
   * @returns undefined while one of the tags is about to change
   */
  async made(versions: Versions, tags: readonly string[]): Promise<Versions | undefined> {
    if (!versions.tags.includes(NO_VERSION)) return versions;
    const made = await Promise.all(
      tags.map((tag, index) => {
        const version = versions.tags[index] as string;
        return version === NO_VERSION ? this.newVersionOf(tag, LOAD_TTL_MS) : Promise.resolve(version);
      }),
    );
    return made.some(isHeld) ? undefined : { namespace: versions.namespace, tags: made };
  }

  /** The same as remembered last; undefined where they never were. */
  lastVersionsOf(tags: readonly string[]): Versions | undefined {
    const namespace = this.gate.namespaceVersion;
    if (namespace === undefined) return undefined;
    const versions: string[] = [];
    for (const tag of tags) {
      const version = this.lastVersions.get(tag);
      if (version === undefined) return undefined;
      versions.push(version);
    }
    return { namespace, tags: versions };
  }

  /** What {@link lastVersionsOf} says from now on. */
  remember(tags: readonly string[], versions: Versions): void {
    versions.tags.forEach((version, index) => this.lastVersions.set(tags[index] as string, version));
  }

  private readVersions(tags: readonly string[]): Promise<readonly unknown[]> {
    const keys = [NAMESPACE_KEY, ...tags.map(tagKey)];
    const { connection } = this.gate;
    if (!connection.isCluster) return this.versionReads.read(keys);
    return this.gate.ask(() => Promise.all(keys.map((key) => connection.send(key, ['GET', key]))));
  }

  /** The version of the namespace, made where there is none. */
  private async makeNamespace(): Promise<string> {
    const reply = await this.gate.ask(() =>
      this.gate.connection.run(
        VERSION_OF,
        [NAMESPACE_KEY],
        [this.gate.nextNamespaceVersion(), String(NAMESPACE_TTL_MS)],
      ),
    );
    return this.asText(reply);
  }

  /** @param take is given what is kept, taken from JSON, and the versions of namespace and tags as they are */
  private readTogether<Answer>(
    key: string,
    tags: readonly string[],
    take: (value: unknown, versions: readonly unknown[]) => Answer | Promise<Answer>,
  ): Promise<Answer> {
    const keys = [NAMESPACE_KEY, ...tags.map(tagKey)];
    if (this.gate.connection.isCluster)
      return this.readFromCluster(key, keys).then(([value, ...versions]) => take(value, versions));
    // Each by itself: while Redis collects the next answer this process takes the last one apart.
    return readMany(this.gate, [valueKey(key), ...keys], ([text, ...versions]) =>
      take(parsed(text), versions),
    );
  }

  private readFromCluster(key: string, keys: readonly string[]): Promise<unknown[]> {
    const { connection } = this.gate;
    return this.gate.ask(() =>
      Promise.all([
        connection.values.get(valueKey(key)).catch(missWhereUnreadable),
        ...keys.map((other) => connection.send(other, ['GET', other])),
      ]),
    );
  }

  /** A version that is missing is made: what was kept under a forgotten one never counts again. */
  private complete(
    replies: readonly unknown[],
    tags: readonly string[],
  ): Promise<Versions | undefined> | Versions | undefined {
    const versions = this.asVersions(replies);
    if (versions.includes(null)) return this.makeMissing(versions, tags);
    return this.versionsIn(versions as readonly string[]);
  }

  /** The same without making any but the namespace's. */
  private seen(replies: readonly unknown[]): Promise<Versions | undefined> | Versions | undefined {
    const versions = this.asVersions(replies);
    if (!versions.includes(null)) return this.versionsIn(versions as readonly string[]);
    const [namespace = null, ...tags] = versions;
    const seen = tags.map((version) => version ?? NO_VERSION);
    if (namespace !== null) return this.versionsIn([namespace, ...seen]);
    return this.makeNamespace().then((made) => this.versionsIn([made, ...seen]));
  }

  private asVersions(replies: readonly unknown[]): readonly (string | null)[] {
    if (replies.some((reply) => reply !== null && typeof reply !== 'string')) throw this.unexpected();
    return replies as readonly (string | null)[];
  }

  private async makeMissing(
    replies: readonly (string | null)[],
    tags: readonly string[],
  ): Promise<Versions | undefined> {
    const made = replies.map(async (reply, index) => {
      if (reply !== null) return reply;
      return index === 0 ? this.makeNamespace() : this.newVersionOf(tags[index - 1] as string, TAG_TTL_MS);
    });
    return this.versionsIn(await Promise.all(made));
  }

  /** @returns undefined while one of the tags is on hold */
  private versionsIn([namespace, ...tags]: readonly string[]): Versions | undefined {
    this.gate.sawNamespace(namespace as string);
    return tags.some(isHeld) ? undefined : { namespace: namespace as string, tags };
  }

  private async newVersionOf(tag: string, ttlMs: number): Promise<string> {
    const reply = await this.gate.ask(() =>
      this.gate.connection.run(VERSION_OF, [tagKey(tag)], [newVersion(), String(ttlMs)]),
    );
    return this.asText(reply);
  }

  private async unlinkMatching(asker: Asker, physical: string): Promise<number> {
    const nodes = await asker.ask(() => this.gate.connection.nodes());
    const counts = await Promise.all(nodes.map((send) => this.unlinkOn(asker, send, physical)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  private async unlinkOn(asker: Asker, send: Send, physical: string): Promise<number> {
    let unlinked = 0;
    let cursor = '0';
    do {
      const reply = await asker.ask(() => send(['SCAN', cursor, 'MATCH', physical, 'COUNT', SCAN_COUNT]));
      if (!Array.isArray(reply) || typeof reply[0] !== 'string' || !Array.isArray(reply[1]))
        throw this.unexpected();
      cursor = reply[0];
      // One by one: in a cluster the keys of one node lie in many slots.
      const keys = reply[1] as string[];
      const counts = await asker.ask(() => Promise.all(keys.map((key) => send(['UNLINK', key]))));
      unlinked += counts.reduce<number>((sum, count) => sum + Number(count), 0);
    } while (cursor !== '0');
    return unlinked;
  }

  private asText(reply: unknown): string {
    if (typeof reply !== 'string') throw this.unexpected();
    return reply;
  }

  /** Thrown outside of a command, so the gate is told by itself. */
  private unexpected(): UnexpectedReply {
    const error = new UnexpectedReply();
    this.gate.connection.drop(error.message);
    return error;
  }
}

/** The store parses: what is no JSON is no answer. Whatever else went wrong did go wrong. */
function missWhereUnreadable(error: unknown): undefined {
  if (error instanceof SyntaxError) return undefined;
  throw error;
}

function current(envelope: Envelope | undefined, versions: Versions): Envelope | undefined {
  if (envelope === undefined || Date.now() >= envelope.expiresAt) return undefined;
  return counts(envelope, versions) ? envelope : undefined;
}

/** Whether nothing was invalidated since the versions that it was made under. */
export function counts(envelope: Envelope, versions: Versions): boolean {
  return (
    envelope.namespace === versions.namespace &&
    envelope.tagVersions.length === versions.tags.length &&
    envelope.tagVersions.every((version, index) => version === versions.tags[index])
  );
}
