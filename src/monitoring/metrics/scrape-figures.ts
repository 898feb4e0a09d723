import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { withinDeadline } from '../../common/deadline';
import { isRefusal, reasonOf } from '../../database/failures';
import { ReportDatabase } from '../reports/report-database';

/** However often and by how many it is scraped. */
const READ_EVERY_MS = 15_000;
/** Prometheus looks back so far for a sample: whoever scrapes more rarely sees gaps in any case. */
const SCRAPED_LATELY_MS = 5 * 60_000;
/** So many readings go without tables after one that came to nothing, and the next one tries them again. */
const READINGS_WITHOUT_TABLES = 3;
/** A scrape that finds figures too old waits so long for new ones; whoever scrapes gives up after ten seconds. */
const FIRST_MS = 1_000;
const READ_AT = 'database_figures_timestamp_seconds';

/** Figures that only PostgreSQL knows, whichever process made them what they are. */
export interface Figures<Row> {
  /** Tells them from those of others. */
  readonly name: string;
  /** Answers one row; what it holds arrives as JSON. */
  readonly sql: string;
  /** Whether it reads tables, which somebody may lock; views of statistics and the catalogue nobody locks. */
  readonly readsTables: boolean;
  /** Whichever of them is asked first: all change together. */
  readonly gauges: readonly Gauge[];
  show(row: Row): void;
}

export const scrapeFiguresMetricProvider = makeGaugeProvider({
  name: READ_AT,
  help: 'When PostgreSQL last told the figures that are read for /metrics, in seconds since 1970; 0 for never',
  labelNames: ['figures'],
});

/**
 * What /metrics asks of PostgreSQL: one statement for the figures of everybody, every 15 seconds as long as somebody has
 * scraped lately, and never more often. So a scrape shows what was true a quarter of a minute ago at most, however rare
 * scrapes are, and waits for nobody. Only one that finds older figures, since it is the first one for long, or since
 * PostgreSQL did not tell them, waits for the reading under way: a second at most, and nobody waits for the same reading
 * again. While PostgreSQL is away, or a table is locked, the last figures stay, and their time tells how old they are.
 */
@Injectable()
export class ScrapeFigures implements OnApplicationShutdown {
  protected readonly readEveryMs: number = READ_EVERY_MS;
  protected readonly scrapedLatelyMs: number = SCRAPED_LATELY_MS;
  private readonly logger = new Logger('Metrics');
  private readonly figures: Figures<never>[] = [];
  private reading: Promise<void> | undefined;
  /** What scrapes wait for while they find no younger figures. */
  private patience: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private scrapedAt = -Infinity;
  /** When the last reading began, whatever came of it. */
  private begunAt = -Infinity;
  /** When the reading began that told the figures that are shown. */
  private trueAt = -Infinity;
  private withoutTables = 0;
  private isOver = false;

  constructor(
    private readonly database: ReportDatabase,
    @InjectMetric(READ_AT) private readonly timestamp: Gauge<'figures'>,
  ) {
    this.readFor(timestamp);
  }

  /** From now on they are read with the others. */
  add<Row>(figures: Figures<Row>): void {
    this.figures.push(figures);
    this.timestamp.set({ figures: figures.name }, 0);
    for (const gauge of figures.gauges) this.readFor(gauge);
  }

  onApplicationShutdown(): void {
    this.isOver = true;
    clearTimeout(this.timer);
  }

  private readFor(gauge: Gauge): void {
    Object.assign(gauge, { collect: () => this.scrape() });
  }

  /** @returns what to wait for, where the figures are too old; each gauge of a scrape asks that */
  private scrape(): Promise<void> | undefined {
    const now = performance.now();
    this.scrapedAt = now;
    this.keepUp();
    // Whoever comes upon a reading that has just begun does not wait for it.
    const isOld = now - this.trueAt > this.readEveryMs + FIRST_MS;
    if (!isOld || this.reading === undefined) return undefined;
    this.patience ??= withinDeadline(this.reading, FIRST_MS, 'PostgreSQL').catch(() => undefined);
    return this.patience;
  }

  /** Reads whenever it is time, until nobody scrapes any more. */
  private keepUp(): void {
    const now = performance.now();
    const isWanted = !this.isOver && now - this.scrapedAt <= this.scrapedLatelyMs;
    if (!isWanted || this.reading !== undefined) return;
    const dueInMs = this.begunAt + this.readEveryMs - now;
    if (dueInMs <= 0) this.begin(now);
    else this.timer ??= setTimeout(() => this.wake(), dueInMs).unref();
  }

  private wake(): void {
    this.timer = undefined;
    this.keepUp();
  }

  private begin(now: number): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.patience = undefined;
    this.begunAt = now;
    this.reading = this.read().finally(() => {
      this.reading = undefined;
      this.keepUp();
    });
  }

  private async read(): Promise<void> {
    const isWhole = this.withoutTables === 0;
    const asked = isWhole ? this.figures : this.figures.filter(({ readsTables }) => !readsTables);
    try {
      const [row] = await this.database.query<Record<string, never>>(statementFor(asked));
      for (const figures of asked) this.show(figures, row?.[figures.name]);
      if (!isWhole) this.withoutTables--;
      this.trueAt = this.begunAt;
    } catch (error) {
      this.logger.warn(`PostgreSQL did not tell its figures for /metrics: ${reasonOf(error)}`);
      // A table that somebody keeps locked must not hide how long that has been so.
      if (isWhole && isRefusal(error)) this.withoutTables = READINGS_WITHOUT_TABLES;
    }
  }

  private show(figures: Figures<never>, row: unknown): void {
    try {
      figures.show(row as never);
      this.timestamp.set({ figures: figures.name }, Date.now() / 1000);
    } catch (error) {
      this.logger.warn(`The figures of ${figures.name} cannot be shown in /metrics: ${reasonOf(error)}`);
    }
  }
}

const statementFor = (figures: readonly Figures<never>[]): string =>
  `SELECT ${figures.map(({ name, sql }) => `(SELECT to_jsonb(f) FROM (${sql}) AS f) AS "${name}"`).join(', ')}`;

/** What is not known is not shown as zero. */
export function setKnown(gauge: Gauge, figure: number | null): void {
  if (figure === null) gauge.remove();
  else gauge.set(figure);
}

/** One figure for each value of a label; those that are gone are not shown any more. */
export function setEach(gauge: Gauge, label: string, figures: Readonly<Record<string, number>>): void {
  gauge.reset();
  for (const [name, figure] of Object.entries(figures)) gauge.set({ [label]: name }, figure);
}
