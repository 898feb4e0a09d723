import { parsed, type Envelope } from '../envelope';
import { UnexpectedReply, type RedisGate } from './redis-gate';
import { leaseKey, tagKey, valueKey } from './redis-keys';
import { ACQUIRE, FILL, LENGTHEN, RELEASE, RENEW } from './redis-scripts';
import type { SecondTier, Versions } from './second-tier';
import { LOAD_TTL_MS, TAG_TTL_MS } from './tag-versions';

/** A holder that died keeps others waiting no longer than this. */
const LEASE_MS = 3_000;
/** Of an envelope, beside its key: form, key and version come first. */
const HEAD_CHARACTERS = 100;

/** The right of one load, of all processes, to fill a key. */
export interface Lease {
  /** Under which the load's answer counts. */
  readonly versions: Versions;
  /** Keeps the answer, unless the key was invalidated since or the lease was lost. @returns whether it is kept */
  fill(envelope: Envelope, jsonBytes: number): Promise<boolean>;
  /** Lets others load. */
  release(): Promise<void>;
}

export type Acquired =
  | { readonly lease: Lease }
  /** Somebody filled the key since it was looked at. */
  | { readonly envelope: Envelope }
  /** Somebody else is loading it. */
  | undefined;

/** Lets one load of all processes fill a key at a time. */
export class Leases {
  constructor(
    private readonly gate: RedisGate,
    private readonly tier: SecondTier,
  ) {}

  /**
   * @param tags of the answer; `versions` has one for each
   * @param token of this load; the version of what it finds
   * @param versions under which it will have been found: a lease for other versions is of a load that began before an
   *   invalidation, and is taken over
   * @param known the answer that shall be renewed, where there is one
   */
  async acquire(
    key: string,
    tags: readonly string[],
    token: string,
    versions: Versions,
    known?: string,
  ): Promise<Acquired> {
    const mine = [versions.namespace, ...versions.tags].join(',');
    const reply = await this.gate.ask(() =>
      this.gate.connection.run(ACQUIRE, [leaseKey(key), valueKey(key)], [token, mine, String(LEASE_MS)]),
    );
    if (!Array.isArray(reply)) throw new UnexpectedReply();
    const [isMine, kept] = reply as unknown[];
    const lease = isMine === 1 ? this.leaseOf(key, `${token} ${mine}`, { tags, versions, kept }) : undefined;
    const envelope = await this.tier.counting(parsed(kept), key, versions);
    if (envelope !== undefined && envelope.version !== known && Date.now() < envelope.freshUntil) {
      await lease?.release();
      return { envelope };
    }
    return lease && { lease };
  }

  /** Extended for as long as the load takes, so that a slow one is not done twice. */
  private leaseOf(key: string, holder: string, { tags, versions, kept }: Found): Lease {
    const { connection } = this.gate;
    // Its version stands there: enough to see whether it is still the same.
    const seen = typeof kept === 'string' ? kept.slice(0, HEAD_CHARACTERS + key.length) : '';
    const renewal = setInterval(() => {
      const renewed = this.gate.ask(() => connection.run(RENEW, [leaseKey(key)], [holder, String(LEASE_MS)]));
      void renewed.catch(() => undefined); // a lease that ended is noticed when it is filled
    }, LEASE_MS / 3);
    renewal.unref();
    return {
      versions,
      fill: async (envelope, jsonBytes) => {
        clearInterval(renewal);
        const packed = JSON.stringify(await this.tier.pack(envelope, jsonBytes));
        const milliseconds = String(Math.max(1, Math.ceil(envelope.expiresAt - envelope.createdAt)));
        const keys = [leaseKey(key), valueKey(key)];
        const [filled] = await this.gate.ask(() =>
          Promise.all([
            connection.run(FILL, keys, [holder, packed, milliseconds, seen]),
            ...this.lengthen(tags, envelope),
          ]),
        );
        return filled === 1;
      },
      release: async () => {
        clearInterval(renewal);
        await this.gate.ask(() => connection.run(RELEASE, [leaseKey(key)], [holder]));
      },
    };
  }

  /**
   * Lets the tags live longer than what was filled under them: after "there is none", which anybody can ask for, not
   * much longer.
   */
  private lengthen(tags: readonly string[], { value, createdAt, expiresAt, tagVersions }: Envelope) {
    const ttlMs = value === null ? Math.ceil(expiresAt - createdAt) + LOAD_TTL_MS : TAG_TTL_MS;
    return tags.map((tag, index) =>
      this.gate.connection.run(LENGTHEN, [tagKey(tag)], [tagVersions[index] as string, String(ttlMs)]),
    );
  }
}

/** When a lease was acquired. */
interface Found {
  readonly tags: readonly string[];
  readonly versions: Versions;
  /** The answer, as it is kept. */
  readonly kept: unknown;
}
