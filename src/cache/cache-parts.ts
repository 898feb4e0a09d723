import type { CacheEvents } from './cache-events';
import type { CacheSettings } from './cache-settings';
import { CacheStatistics } from './cache-statistics';
import { Counters } from './counters';
import { Finder } from './finder';
import { FirstTier } from './first-tier';
import { InFlight } from './in-flight';
import type { InvalidationBus } from './invalidation-bus';
import { Invalidations } from './invalidations';
import { Keeper } from './keeper';
import { Loader } from './loader';
import { Leases } from './redis/lease';
import { RedisBus } from './redis/redis-bus';
import { RedisGate, type RedisSettings } from './redis/redis-gate';
import { RedisInvalidations } from './redis/redis-invalidations';
import { SecondTier } from './redis/second-tier';
import { TagVersions } from './redis/tag-versions';
import { SharedAnswers } from './shared-answers';

/** Redis and what is done in it. */
export interface SharedParts {
  readonly gate: RedisGate;
  readonly tier: SecondTier;
  readonly leases: Leases;
  readonly bus: RedisBus;
  readonly invalidations: RedisInvalidations;
}

/** What the cache is made of. */
export interface CacheParts {
  readonly settings: CacheSettings;
  readonly statistics: CacheStatistics;
  readonly first: FirstTier;
  readonly flights: InFlight;
  readonly keeper: Keeper;
  readonly finder: Finder;
  readonly bus: InvalidationBus;
  readonly invalidations: Invalidations;
  readonly counters: Counters;
  readonly shared: SharedParts | undefined;
}

/**
 * Puts the cache together and lets it connect and listen.
 * @param withoutRedis carries invalidations between processes where there is no Redis
 */
export function assembleCache(
  settings: CacheSettings,
  events: CacheEvents,
  withoutRedis: InvalidationBus,
): CacheParts {
  const statistics = new CacheStatistics();
  const first = new FirstTier(settings.firstTierBytes);
  const flights = new InFlight();
  const keeper = new Keeper(first, statistics, settings);
  const shared = settings.redis && shareBy(settings.redis, settings, events);
  const answers = shared && new SharedAnswers(shared.gate, shared.tier, shared.leases, statistics, events);
  const finder = new Finder(first, flights, keeper, statistics, new Loader(statistics, events), answers);
  const bus = shared?.bus ?? withoutRedis;
  const invalidations = new Invalidations(first, flights, bus, shared);
  bus.start(invalidations);
  const counters = new Counters(shared?.gate);
  return {
    settings,
    statistics,
    first,
    flights,
    keeper,
    finder,
    bus,
    invalidations,
    counters,
    shared,
  };
}

function shareBy(redis: RedisSettings, settings: CacheSettings, events: CacheEvents): SharedParts {
  const gate = new RedisGate(redis, events);
  const tier = new SecondTier(gate, settings);
  const bus = new RedisBus(redis, gate);
  const invalidations = new RedisInvalidations(gate, tier, new TagVersions(gate), bus);
  return { gate, tier, leases: new Leases(gate, tier), bus, invalidations };
}
