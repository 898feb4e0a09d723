import type { CacheSettings } from '../cache-settings';
import { pack, packCompressed, unpack, type Envelope } from '../envelope';
import { redisGlob } from '../key-pattern';
import { UnexpectedReply, type Asker, type RedisGate } from './redis-gate';
import type { Send } from './redis-connection';
import { leaseKey, NAMESPACE_KEY, tagKey, valueKey } from './redis-keys';
import { VERSION_OF } from './redis-scripts';
import { newVersion, TAG_TTL_MS } from './tag-versions';

const SCAN_COUNT = '1000';
/** The namespace's version ends with a year of silence. */
const NAMESPACE_TTL_MS = 366 * 86_400_000;

/** What Redis says of a key now. */
export interface Look {
  /** Of namespace and tags; undefined while one of the tags is about to change: then nothing is kept. */
  readonly versions: Versions | undefined;
  /** What is kept and counts, fresh or stale. */
  readonly envelope: Envelope | undefined;
}

export interface Versions {
  readonly namespace: string;
  readonly tags: readonly string[];
}

/** Answers in Redis, for all processes. Everything here may throw while Redis is away; see {@link RedisGate}. */
export class SecondTier {
  constructor(
    private readonly gate: RedisGate,
    private readonly settings: Pick<CacheSettings, 'maxValueBytes' | 'compressAboveBytes'>,
  ) {}

  /** The answer with everything that decides whether it counts, in one round trip. */
  async look(key: string, tags: readonly string[]): Promise<Look> {
    const [value, ...rest] = await this.readTogether(key, tags.map(tagKey));
    const versions = await this.complete(rest, tags);
    return { versions, envelope: await this.counting(value, key, versions) };
  }

  /** Those of a key's answer that is already at hand, checked against what it must have been computed under. */
  async counting(
    packed: unknown,
    key: string,
    versions: Versions | undefined,
  ): Promise<Envelope | undefined> {
    if (packed === undefined || versions === undefined) return undefined;
    const opened = unpack(packed, key, this.settings.maxValueBytes);
    const envelope = opened instanceof Promise ? await opened : opened;
    return envelope !== undefined && Date.now() < envelope.expiresAt && areSame(envelope, versions)
      ? envelope
      : undefined;
  }

  /** What to write for an answer. */
  pack(envelope: Envelope, jsonBytes: number) {
    return jsonBytes > this.settings.compressAboveBytes ? packCompressed(envelope) : pack(envelope);
  }

  /** Keeps an answer whatever loads of it are running: they do not fill it any more. */
  async set(envelope: Envelope, jsonBytes: number): Promise<void> {
    const packing = this.pack(envelope, jsonBytes);
    const packed = packing instanceof Promise ? await packing : packing;
    const { connection } = this.gate;
    const milliseconds = Math.max(1, Math.ceil(envelope.expiresAt - envelope.createdAt));
    // One after the other on one connection: a load that still has its lease writes before, and is overwritten.
    await this.gate.ask(() => {
      const lease = connection.send(leaseKey(envelope.key), ['DEL', leaseKey(envelope.key)]);
      const value = connection.values.set(valueKey(envelope.key), packed, milliseconds);
      return Promise.all([lease, value]);
    });
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
    const [, ...rest] = await this.readTogether('', tags.map(tagKey));
    return this.complete(rest, tags);
  }

  /** The version of the namespace, made where there is none. */
  private async makeNamespace(): Promise<string> {
    const reply = await this.gate.ask(() =>
      this.gate.connection.run(VERSION_OF, [NAMESPACE_KEY], [String(Date.now()), String(NAMESPACE_TTL_MS)]),
    );
    return this.asText(reply);
  }

  /** @returns the value taken from JSON, then the versions of namespace and tags as they are */
  private async readTogether(key: string, tags: readonly string[]): Promise<unknown[]> {
    const { connection } = this.gate;
    const keys = [NAMESPACE_KEY, ...tags];
    if (connection.isCluster) {
      return this.gate.ask(() =>
        Promise.all([
          connection.values.get(valueKey(key)).catch(missWhereUnreadable),
          ...keys.map((other) => connection.send(other, ['GET', other])),
        ]),
      );
    }
    const reply = await this.gate.ask(() => connection.send('', ['MGET', valueKey(key), ...keys]));
    if (!Array.isArray(reply) || reply.length !== keys.length + 1) throw this.unexpected();
    const [value, ...versions] = reply as unknown[];
    return [parsed(value), ...versions];
  }

  /** A version that is missing is made: what was kept under a forgotten one never counts again. */
  private async complete(replies: unknown[], tags: readonly string[]): Promise<Versions | undefined> {
    if (replies.some((reply) => reply !== null && typeof reply !== 'string')) throw this.unexpected();
    const [namespace, ...versions] = replies as (string | null)[];
    const current = namespace ?? (await this.makeNamespace());
    this.gate.sawNamespace(current);
    if (versions.includes(null)) {
      await Promise.all(
        versions.map(async (version, index) => {
          versions[index] = version ?? (await this.newVersionOf(tags[index] as string));
        }),
      );
    }
    if (versions.some((version) => (version as string).startsWith('held:'))) return undefined;
    return { namespace: current, tags: versions as string[] };
  }

  private async newVersionOf(tag: string): Promise<string> {
    const reply = await this.gate.ask(() =>
      this.gate.connection.run(VERSION_OF, [tagKey(tag)], [newVersion(), String(TAG_TTL_MS)]),
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

function parsed(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The store parses: what is no JSON is no answer. Whatever else went wrong did go wrong. */
function missWhereUnreadable(error: unknown): undefined {
  if (error instanceof SyntaxError) return undefined;
  throw error;
}

function areSame(envelope: Envelope, versions: Versions): boolean {
  return (
    envelope.namespace === versions.namespace &&
    envelope.tagVersions.length === versions.tags.length &&
    envelope.tagVersions.every((version, index) => version === versions.tags[index])
  );
}
