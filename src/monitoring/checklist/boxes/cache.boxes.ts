import { formatCount, formatShare } from '../../../common/figures';
import type { CacheReport } from '../../../cache/cache.service';
import type { PrefixStatistics } from '../../../cache/cache-statistics';
import { fail, judgedByServer, pass, warn, type Box } from '../box';

const GUIDE = 'Performance Optimization Guide';
/** Fewer look-ups say nothing: the first of every answer is a miss. */
const ENOUGH_TO_JUDGE = 100;
/** Below it most answers are computed and then kept for nobody. */
const USELESS = 0.2;
const GOOD = 0.5;
/** What is kept under no declared prefix (cache-statistics.ts). */
const UNDECLARED = 'other';

interface Looked {
  readonly hits: number;
  readonly all: number;
  readonly rate: number;
}

/** Given out stale is given out; what is not in memory is looked for in Redis, where there is one. */
function looked({ memory, redis }: PrefixStatistics, isShared: boolean): Looked {
  const hits = memory.hits + memory.stale + redis.hits + redis.stale;
  const all = hits + (isShared ? redis.misses + redis.errors : memory.misses);
  return { hits, all, rate: all === 0 ? 0 : hits / all };
}

const SHARED_REMEDY = 'Set REDIS_URL, so that processes share what they compute and what they count';
const AWAY_REMEDY =
  'Look whether Redis runs and answers within REDIS_COMMAND_TIMEOUT_MS; until then everything is computed, or kept by each process for itself';

const serviceConfigured: Box = {
  box: 'Cache service configured',
  guide: GUIDE,
  judge: judgedByServer(async (server) => {
    const { redis, memory } = await server.cache();
    const room = `${formatCount(memory.entries)} answers in the memory of this process`;
    if (redis === undefined)
      return warn(`there is no Redis: every process keeps its own answers, ${room}`, SHARED_REMEDY);
    if (redis.breaker !== 'closed')
      return fail(`Redis does not answer, its circuit breaker is ${redis.breaker}`, AWAY_REMEDY);
    if (redis.server === undefined) return fail('Redis does not tell of itself', AWAY_REMEDY);
    return pass(`Redis answers, its circuit breaker is closed; ${room}`);
  }),
};

const keysDefined: Box = {
  box: 'Cache keys defined',
  guide: GUIDE,
  judge: judgedByServer(async (server) => {
    const { prefixes, redis } = await server.cache();
    const undeclared = prefixes.find(({ prefix }) => prefix === UNDECLARED);
    const strangers = undeclared === undefined ? 0 : looked(undeclared, redis !== undefined).all;
    if (strangers > 0)
      return fail(
        `${formatCount(strangers)} look-ups were for keys under no declared prefix`,
        'Declare a cache entry in the *.cache.ts of the domain that owns the answer (docs/caching.md)',
      );
    const declared = prefixes.filter(({ prefix }) => prefix !== UNDECLARED).map(({ prefix }) => prefix);
    if (declared.length === 0) return warn(NOTHING_KEPT.evidence, NOTHING_KEPT.remedy);
    return pass(`every look-up was for a declared prefix: ${declared.sort().join(', ')}`);
  }),
};

const NOTHING_KEPT = {
  evidence: 'nothing was looked up in the cache since this process began',
  remedy: 'Let it serve requests and look again',
};

const ttlsAppropriate: Box = {
  box: 'Cache TTLs appropriate',
  guide: GUIDE,
  judge: judgedByServer(async (server) => {
    const { prefixes, redis } = await server.cache();
    const judged = prefixes
      .map((counts) => ({ prefix: counts.prefix, ...looked(counts, redis !== undefined) }))
      .filter(({ all }) => all >= ENOUGH_TO_JUDGE)
      .sort((a, b) => a.rate - b.rate);
    const [worst] = judged;
    if (worst === undefined)
      return warn(
        `no prefix was looked up ${ENOUGH_TO_JUDGE} times yet, so nothing tells whether its answers live long enough`,
        NOTHING_KEPT.remedy,
      );
    const evidence = `of ${formatCount(worst.all)} look-ups under ${worst.prefix} ${formatShare(worst.rate)} were answered`;
    if (worst.rate >= GOOD) return pass(`${evidence}, which is the lowest of ${judged.length} prefixes`);
    const remedy = `Let what is kept under ${worst.prefix} live longer, or drop it by tags that fewer writes touch; where nobody asks twice, do not keep it`;
    return worst.rate < USELESS ? fail(evidence, remedy) : warn(evidence, remedy);
  }),
};

const frequentDataCached: Box = {
  box: 'Redis caching for frequently accessed data',
  guide: 'Database Performance Optimization',
  judge: judgedByServer(async (server) => {
    const report = await server.cache();
    const all = report.hits + report.misses;
    if (report.redis !== undefined && report.redis.breaker !== 'closed')
      return fail(`Redis is not used, its circuit breaker is ${report.redis.breaker}`, AWAY_REMEDY);
    if (all < ENOUGH_TO_JUDGE)
      return warn(`only ${formatCount(all)} look-ups were counted: too few to judge by`, NOTHING_KEPT.remedy);
    const evidence = `${formatShare(report.hitRate)} of ${formatCount(all)} look-ups were answered from the cache${where(report)}`;
    if (report.hitRate >= GOOD && report.redis !== undefined) return pass(evidence);
    if (report.hitRate >= GOOD) return warn(evidence, SHARED_REMEDY);
    const remedy =
      'GET /api/admin/cache/stats shows which prefixes miss: see the chapter on the cache in docs/operations.md';
    return report.hitRate < USELESS ? fail(evidence, remedy) : warn(evidence, remedy);
  }),
};

const where = ({ redis }: CacheReport): string => (redis === undefined ? ' of this process alone' : '');

export const cacheBoxes: readonly Box[] = [
  serviceConfigured,
  keysDefined,
  ttlsAppropriate,
  frequentDataCached,
];
