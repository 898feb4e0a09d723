import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { ScrapeFigures, setEach, setKnown } from './scrape-figures';
import { JOB_FIGURES, SERVER_FIGURES, type JobFigures, type ServerFigures } from './server-figures';

const HIT_RATIO = 'database_cache_hit_ratio';
const SIZE = 'database_size_bytes';
const DEAD_ROWS = 'database_dead_rows';
const WRAPAROUND = 'database_wraparound_ratio';
const SEQUENCES = 'database_sequence_used_ratio';
const INVALID_INDEXES = 'database_invalid_indexes';
const CONNECTIONS = 'database_connections';
const IDLE_IN_TRANSACTION = 'database_idle_in_transaction_seconds';
const JOBS = 'jobs';

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
];

/** What PostgreSQL says of itself. */
@Injectable()
export class ServerMetrics implements OnModuleInit {
  constructor(
    private readonly figures: ScrapeFigures,
    @InjectMetric(HIT_RATIO) private readonly hitRatio: Gauge,
    @InjectMetric(SIZE) private readonly size: Gauge,
    @InjectMetric(DEAD_ROWS) private readonly deadRows: Gauge,
    @InjectMetric(WRAPAROUND) private readonly wraparound: Gauge,
    @InjectMetric(SEQUENCES) private readonly sequences: Gauge,
    @InjectMetric(INVALID_INDEXES) private readonly invalidIndexes: Gauge,
    @InjectMetric(CONNECTIONS) private readonly connections: Gauge,
    @InjectMetric(IDLE_IN_TRANSACTION) private readonly idleInTransaction: Gauge,
    @InjectMetric(JOBS) private readonly jobs: Gauge,
  ) {}

  onModuleInit(): void {
    const all = [
      this.hitRatio,
      this.size,
      this.wraparound,
      this.sequences,
      this.invalidIndexes,
      this.idleInTransaction,
    ];
    for (const gauge of all) gauge.remove();
    this.figures.add<ServerFigures>({
      name: 'server',
      sql: SERVER_FIGURES,
      readsTables: false,
      gauges: [...all, this.deadRows, this.connections],
      show: (figures) => this.show(figures),
    });
    this.figures.add<JobFigures>({
      name: 'jobs',
      sql: JOB_FIGURES,
      readsTables: true,
      gauges: [this.jobs],
      show: ({ jobs }) => setEach(this.jobs, 'state', jobs),
    });
  }

  private show(figures: ServerFigures): void {
    setKnown(this.hitRatio, figures.hitRatio);
    setKnown(this.sequences, figures.sequenceShare);
    this.size.set(figures.bytes);
    this.wraparound.set(figures.wraparoundShare);
    this.invalidIndexes.set(figures.invalidIndexes);
    setKnown(this.idleInTransaction, figures.idleInTransactionSeconds);
    setEach(this.deadRows, 'table', figures.deadRows);
    setEach(this.connections, 'state', figures.connections);
  }
}
