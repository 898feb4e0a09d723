import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { ReportDatabase } from '../reports/report-database';
import { FiguresBehindScrapes } from './figures-behind-scrapes';
import { readServerFigures, type ServerFigures } from './server-figures';

const HIT_RATIO = 'database_cache_hit_ratio';
const SIZE = 'database_size_bytes';
const DEAD_ROWS = 'database_dead_rows';
const WRAPAROUND = 'database_wraparound_ratio';
const SEQUENCES = 'database_sequence_used_ratio';
const INVALID_INDEXES = 'database_invalid_indexes';
const CONNECTIONS = 'database_connections';
const IDLE_IN_TRANSACTION = 'database_idle_in_transaction_seconds';
const JOBS = 'jobs';
const READ_AT = 'database_figures_timestamp_seconds';

export const serverMetricProviders = [
  makeGaugeProvider({
    name: HIT_RATIO,
    help: 'Share of blocks of tables that PostgreSQL found in its memory',
  }),
  makeGaugeProvider({ name: SIZE, help: 'Size of the database in bytes' }),
  makeGaugeProvider({ name: DEAD_ROWS, help: 'Rows that wait for vacuum, by table', labelNames: ['table'] }),
  makeGaugeProvider({
    name: WRAPAROUND,
    help: 'Share of the transactions until wraparound that are used up',
  }),
  makeGaugeProvider({
    name: SEQUENCES,
    help: 'Share used of the sequence that is nearest to its end',
  }),
  makeGaugeProvider({ name: INVALID_INDEXES, help: 'Indexes that no question may use' }),
  makeGaugeProvider({
    name: CONNECTIONS,
    help: 'Clients of the whole server, by state',
    labelNames: ['state'],
  }),
  makeGaugeProvider({
    name: IDLE_IN_TRANSACTION,
    help: 'How long the longest idle transaction of the server has been idle',
  }),
  makeGaugeProvider({
    name: JOBS,
    help: 'Jobs that wait, run or failed for good, by state',
    labelNames: ['state'],
  }),
  makeGaugeProvider({
    name: READ_AT,
    help: 'When PostgreSQL last told the figures of the server, in seconds since 1970',
  }),
];

/** What PostgreSQL says of itself. While it is away the last figures stay, and their time tells how old they are. */
@Injectable()
export class ServerMetrics implements OnModuleInit {
  constructor(
    private readonly reports: ReportDatabase,
    @InjectMetric(HIT_RATIO) private readonly hitRatio: Gauge,
    @InjectMetric(SIZE) private readonly size: Gauge,
    @InjectMetric(DEAD_ROWS) private readonly deadRows: Gauge,
    @InjectMetric(WRAPAROUND) private readonly wraparound: Gauge,
    @InjectMetric(SEQUENCES) private readonly sequences: Gauge,
    @InjectMetric(INVALID_INDEXES) private readonly invalidIndexes: Gauge,
    @InjectMetric(CONNECTIONS) private readonly connections: Gauge,
    @InjectMetric(IDLE_IN_TRANSACTION) private readonly idleInTransaction: Gauge,
    @InjectMetric(JOBS) private readonly jobs: Gauge,
    @InjectMetric(READ_AT) private readonly timestamp: Gauge,
  ) {}

  onModuleInit(): void {
    new FiguresBehindScrapes(() => this.read(), 'PostgreSQL did not tell its figures for /metrics').showIn(
      this.hitRatio,
      this.size,
      this.deadRows,
      this.wraparound,
      this.sequences,
      this.invalidIndexes,
      this.connections,
      this.idleInTransaction,
      this.jobs,
      this.timestamp,
    );
  }

  private async read(): Promise<void> {
    const figures = await readServerFigures(this.reports);
    if (figures !== undefined) this.show(figures);
  }

  private show(figures: ServerFigures): void {
    setKnown(this.hitRatio, figures.hitRatio);
    setKnown(this.sequences, figures.sequenceShare);
    this.size.set(figures.bytes);
    this.wraparound.set(figures.wraparoundShare);
    this.invalidIndexes.set(figures.invalidIndexes);
    this.idleInTransaction.set(figures.idleInTransactionSeconds);
    setEach(this.deadRows, 'table', figures.deadRows);
    setEach(this.connections, 'state', figures.connections);
    setEach(this.jobs, 'state', figures.jobs);
    this.timestamp.set(Date.now() / 1000);
  }
}

/** What is not known is not shown as zero. */
function setKnown(gauge: Gauge, figure: number | null): void {
  if (figure === null) gauge.reset();
  else gauge.set(figure);
}

function setEach(gauge: Gauge, label: string, figures: Readonly<Record<string, number>>): void {
  gauge.reset();
  for (const [name, figure] of Object.entries(figures)) gauge.set({ [label]: name }, Number(figure));
}
