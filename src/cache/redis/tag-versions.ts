import { randomBytes } from 'node:crypto';
import type { Asker, RedisGate } from './redis-gate';
import { tagKey } from './redis-keys';
import { HOLD, RENEW_TAG } from './redis-scripts';

/** Longer than any answer lives: a tag that is forgotten outlived everything it stood for. */
export const TAG_TTL_MS = 2 * 86_400_000;
/** A tag that somebody begins to load something under has its version so long; what is kept then makes it last longer. */
export const LOAD_TTL_MS = 60_000;
/** A transaction commits within this after it put its tags on hold; a process that died holds them no longer. */
export const HOLD_MS = 5_000;

/** Nothing is kept under a tag without a version. */
export const NO_VERSION = '';
/** Whether somebody is about to change what is under the tag. */
export const isHeld = (version: string): boolean => version.startsWith('held:');

/** Of this process: as many random bits as make two processes that are the same unthinkable. */
const PROCESS = randomBytes(9).toString('base64url');
let made = 0;

/** Two are never the same, in any process. */
export const newVersion = (): string => `${PROCESS}-${(made++).toString(36)}`;

/** The versions of tags in Redis. What was kept under another version than the current one counts no more. */
export class TagVersions {
  constructor(private readonly gate: RedisGate) {}

  /** From now on, until renewed or for some seconds, nothing under the tags is given out or kept. */
  async hold(tags: readonly string[], holder: string): Promise<void> {
    const { connection } = this.gate;
    await this.each(this.gate, tags, (tag) => connection.run(HOLD, [tagKey(tag)], [holder, String(HOLD_MS)]));
  }

  /** Drops everything under the tags and lets them go, as far as this holder holds them. */
  async renew(tags: readonly string[], holder: string, asker: Asker = this.gate): Promise<void> {
    const { connection } = this.gate;
    await this.each(asker, tags, (tag) =>
      connection.run(RENEW_TAG, [tagKey(tag)], [holder, newVersion(), String(TAG_TTL_MS)]),
    );
  }

  private async each(
    asker: Asker,
    tags: readonly string[],
    step: (tag: string) => Promise<unknown>,
  ): Promise<void> {
    const replies = await asker.ask(() => Promise.all(tags.map(step)));
    this.gate.refusedForMemory += replies.filter((reply) => reply === 0).length;
  }
}
