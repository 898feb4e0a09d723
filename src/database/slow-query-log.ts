import { Inject, Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { currentContext, keepContexts } from '../common/request-context';
import { CONFIG, type Config } from '../config/config';
import { QueryEvents, type QueryEvent } from './query-events';
import { statementForm, type StatementForm } from './statement-fingerprint';

/** After a statement was logged, further slow runs of it are only counted for this long. */
const QUIET_MS = 60_000;
/** Statements that are counted at the same time; there are a few hundred in the code. */
const MOST_COUNTED = 1_000;

interface Count {
  readonly form: StatementForm;
  leftOut: number;
  slowestMs: number;
}

/**
 * Tells of statements that took longer than DB_SLOW_QUERY_MS: which, how long, for whom, and never with what values. A
 * database that is slow altogether does not flood the log: each statement is told of once a minute, with a count of its
 * other slow runs at the end of it.
 */
@Injectable()
export class SlowQueryLog implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger('SlowQuery');
  private readonly thresholdSeconds: number;
  /** Nothing runs longer: a threshold above it turns the log off, and with it what the contexts cost. */
  private readonly longestSeconds: number;
  private readonly counts = new Map<string, Count>();
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(
    @Inject(CONFIG) { environment }: Config,
    private readonly events: QueryEvents,
  ) {
    this.thresholdSeconds = environment.DB_SLOW_QUERY_MS / 1000;
    this.longestSeconds = environment.DB_STATEMENT_TIMEOUT_MS / 1000;
  }

  onModuleInit(): void {
    if (this.thresholdSeconds >= this.longestSeconds) return;
    keepContexts();
    this.events.subscribe((event) => {
      if (event.seconds >= this.thresholdSeconds) this.observe(event);
    });
  }

  /** Says what was counted and not yet told. */
  onModuleDestroy(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    for (const fingerprint of [...this.counts.keys()]) this.conclude(fingerprint);
  }

  private observe(event: QueryEvent): void {
    const form = statementForm(event.text);
    const durationMs = Math.round(event.seconds * 1000);
    const count = this.counts.get(form.fingerprint);
    if (count !== undefined) {
      count.leftOut += 1;
      count.slowestMs = Math.max(count.slowestMs, durationMs);
      return;
    }
    if (this.counts.size >= MOST_COUNTED) return;
    this.beginCounting(form);
    const context = currentContext();
    this.logger.warn({
      message: `A statement took ${durationMs} ms`,
      fingerprint: form.fingerprint,
      durationMs,
      rows: event.rows,
      errorCode: event.errorCode,
      work: context?.work,
      requestId: context?.requestId,
      statement: form.text,
    });
  }

  private beginCounting(form: StatementForm): void {
    this.counts.set(form.fingerprint, { form, leftOut: 0, slowestMs: 0 });
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.conclude(form.fingerprint);
    }, QUIET_MS);
    timer.unref();
    this.timers.add(timer);
  }

  private conclude(fingerprint: string): void {
    const count = this.counts.get(fingerprint);
    this.counts.delete(fingerprint);
    if (count === undefined || count.leftOut === 0) return;
    const { form, leftOut, slowestMs } = count;
    this.logger.warn({
      message: `${leftOut} more slow runs of a statement were left out, the slowest took ${slowestMs} ms`,
      fingerprint,
      leftOut,
      slowestMs,
      statement: form.text,
    });
  }
}
