import { setTimeout as pause } from 'node:timers/promises';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { inContext } from '../../common/request-context';
import { CONFIG, type Config } from '../../config/config';
import { CacheService } from '../cache.service';

/** Asks for one answer as everybody will, so that the cache keeps it. */
export type WarmingStep = () => Promise<unknown>;

/** What a domain's visitors ask for first, in that order. A step may decide what the next ones are. */
export type WarmingPlan = () => Iterable<WarmingStep>;

/** What became of it: this process did it, another one does, or nobody can or shall. */
export interface WarmingReport {
  readonly part: 'leader' | 'follower' | 'none';
  readonly warmed: number;
  readonly failed: number;
}

const NOTHING: WarmingReport = { part: 'none', warmed: 0, failed: 0 };

/** The start itself comes first. */
const BEGIN_MS = 1_000;
/** Processes that start within this time of each other have one leader. */
const TERM_SECONDS = 60;
const LEADER = 'cache:warming';
/** A plan that does not come to an end ends here. */
const MAX_STEPS = 1_000;

/**
 * Lets the cache have what is asked for first, after a start: one step after the other, so many a second, beside
 * whatever else is done. Where processes share the cache the first of them does it for all; without Redis each one
 * has a memory of its own to fill. Nobody waits for it, and what fails is computed when somebody asks.
 */
@Injectable()
export class CacheWarming implements OnApplicationBootstrap, OnModuleDestroy {
  /** Resolves when it is over, however it went. */
  over: Promise<WarmingReport> = Promise.resolve(NOTHING);
  private readonly plans: WarmingPlan[] = [];
  private readonly logger = new Logger('Cache');
  private readonly stop = new AbortController();
  private readonly stepMs: number;

  constructor(
    @Inject(CONFIG) { environment }: Config,
    private readonly cache: CacheService,
  ) {
    this.stepMs = 1_000 / environment.CACHE_WARM_LOADS_PER_SECOND;
  }

  /** To be called in onModuleInit. */
  declare(plan: WarmingPlan): void {
    this.plans.push(plan);
  }

  onApplicationBootstrap(): void {
    if (!Number.isFinite(this.stepMs) || this.plans.length === 0) return;
    this.over = inContext({ work: 'cache warming' }, () => this.warm()).catch(() => NOTHING); // told to stop
  }

  onModuleDestroy(): void {
    this.stop.abort();
  }

  private async warm(): Promise<WarmingReport> {
    await this.wait(BEGIN_MS);
    if (!(await this.cache.isAnswering())) return NOTHING;
    if (!(await this.leads())) return { ...NOTHING, part: 'follower' };
    const began = performance.now();
    const run = new WarmingRun();
    for (const plan of this.plans) await this.follow(plan, run);
    const { warmed, failures } = run;
    this.logger.log(`Warmed ${warmed} answers in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    if (failures.length > 0)
      this.logger.warn(
        `${failures.length} could not be warmed and will be computed when asked for: ${String(failures[0])}`,
      );
    return { part: 'leader', warmed, failed: failures.length };
  }

  /** Who counts first, until the term is over; a process that died leads no longer than that. */
  private async leads(): Promise<boolean> {
    if (!this.cache.isShared) return true;
    return (await this.cache.incrementWithTtl(LEADER, TERM_SECONDS)) === 1;
  }

  private async follow(plan: WarmingPlan, run: WarmingRun): Promise<void> {
    try {
      for (const step of plan()) {
        if (run.taken >= MAX_STEPS) return;
        const began = performance.now();
        await run.take(step);
        await this.wait(this.stepMs - (performance.now() - began));
      }
    } catch (error) {
      this.stop.signal.throwIfAborted();
      run.failures.push(error);
    }
  }

  /** @throws once the process is told to end */
  private wait(milliseconds: number): Promise<void> {
    return pause(Math.max(0, milliseconds), undefined, { signal: this.stop.signal, ref: false });
  }
}

/** What was asked so far. */
class WarmingRun {
  taken = 0;
  warmed = 0;
  readonly failures: unknown[] = [];

  async take(step: WarmingStep): Promise<void> {
    this.taken++;
    try {
      await step();
      this.warmed++;
    } catch (error) {
      this.failures.push(error);
    }
  }
}
