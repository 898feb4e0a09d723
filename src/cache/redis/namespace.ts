import { createHash } from 'node:crypto';
import { isRefusal } from './redis-errors';
import type { RedisConnection } from './redis-connection';
import { NAMESPACE_KEY } from './redis-keys';
import { RAISE_NAMESPACE } from './redis-scripts';

/**
 * Counts from when the version was raised, used or not: after so long without an outage it ends, and everything is dropped
 * once.
 */
export const NAMESPACE_TTL_MS = 366 * 86_400_000;
const SERVER_CHARACTERS = 10;
/** Of a Redis that does not say which one it is. */
const UNKNOWN = '?';

/** What this process may have missed: nothing, what happened since it was last connected, or anything at any time. */
export type Missed = 'nothing' | 'outage' | 'anything';

/**
 * The version of everything in Redis, as last seen: the millisecond at which it was raised, and the server that it was
 * raised on. A server that was started again, or took another one's place, is another one: what it holds may be a
 * snapshot of earlier, in which answers stand that were dropped since.
 */
export class Namespace {
  /** A newer one than this process knows has been raised by somebody since. */
  version: string | undefined;
  private readonly bornAt = Date.now();
  private server = UNKNOWN;

  constructor(private readonly connection: RedisConnection) {}

  /** One that is given where there is none. */
  next(): string {
    return `${Date.now()}@${this.server}`;
  }

  /** Whether Redis says which one it is. */
  get knowsServer(): boolean {
    return this.server !== UNKNOWN;
  }

  /**
   * Raises it where the server is another one than it was raised on or something was missed: once, whoever comes first.
   * @returns undefined where the answer makes no sense
   */
  async check(
    missed: Missed,
    timed: <Reply>(answer: Promise<Reply>) => Promise<Reply>,
  ): Promise<string | undefined> {
    const nodes = await timed(this.connection.nodes());
    const infos = await timed(
      Promise.all(nodes.map((send) => send(['INFO', 'server']).catch(unlessRefused))),
    );
    this.server = serverOf(infos);
    const always = missed === 'anything' || !this.knowsServer;
    const reply = await timed(
      this.connection.run(
        RAISE_NAMESPACE,
        [NAMESPACE_KEY],
        [
          missed === 'nothing' ? '0' : String(this.raisedAt()),
          String(Date.now()),
          this.server,
          always ? 'always' : '',
          String(NAMESPACE_TTL_MS),
        ],
      ),
    );
    if (typeof reply === 'string') this.version = reply;
    return this.version === reply ? this.version : undefined;
  }

  private raisedAt(): number {
    return this.version === undefined ? this.bornAt : Number.parseInt(this.version, 10);
  }
}

function unlessRefused(error: unknown): undefined {
  if (isRefusal(error)) return undefined;
  throw error;
}

/** One name for all of them, in whatever order they come. */
function serverOf(infos: readonly unknown[]): string {
  const runs = infos.map((info) => /^run_id:(\w+)/m.exec(String(info))?.[1]);
  if (runs.length === 0 || runs.includes(undefined)) return UNKNOWN;
  const all = createHash('sha256').update(runs.sort().join(' '));
  return all.digest('base64url').slice(0, SERVER_CHARACTERS);
}
