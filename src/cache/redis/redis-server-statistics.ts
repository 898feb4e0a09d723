import { UnexpectedReply, type RedisGate } from './redis-gate';

/** What Redis says of itself; sums over the nodes of a cluster. Bytes, and counts since it started. */
export interface RedisServerStatistics {
  readonly usedMemoryBytes: number;
  /** 0: no limit. */
  readonly maxMemoryBytes: number;
  readonly evictedKeys: number;
  readonly expiredKeys: number;
}

const FIELDS = {
  usedMemoryBytes: 'used_memory',
  maxMemoryBytes: 'maxmemory',
  evictedKeys: 'evicted_keys',
  expiredKeys: 'expired_keys',
} as const;

/** @throws while Redis is away */
export async function redisServerStatistics(gate: RedisGate): Promise<RedisServerStatistics> {
  const nodes = await gate.ask(() => gate.connection.nodes());
  const texts = await gate.ask(() => Promise.all(nodes.map((send) => send(['INFO']))));
  const sum = (field: string) => texts.reduce<number>((total, text) => total + numberIn(text, field), 0);
  return {
    usedMemoryBytes: sum(FIELDS.usedMemoryBytes),
    maxMemoryBytes: sum(FIELDS.maxMemoryBytes),
    evictedKeys: sum(FIELDS.evictedKeys),
    expiredKeys: sum(FIELDS.expiredKeys),
  };
}

function numberIn(info: unknown, field: string): number {
  if (typeof info !== 'string') throw new UnexpectedReply();
  return Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
}
