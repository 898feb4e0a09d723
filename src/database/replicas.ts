import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../config/config';
import { replicaPool } from './data-source-options';
import { databaseFailure, reasonOf } from './failures';
import { Replica, type LogPosition } from './replica';

const CHECK_MS = 1_000;
const POSITION = {
  name: 'primary_position',
  text: `SELECT (SELECT system_identifier FROM pg_control_system())::text AS cluster,
                (pg_current_wal_lsn() - '0/0')::bigint AS lsn`,
  query_timeout: 2_000,
};

interface Sample extends LogPosition {
  /** On the clock of `performance.now()`. */
  readonly at: number;
}

/** How many replicas are asked, and how many are not because they are away or too far behind. */
export interface ReplicaCount {
  readonly used: number;
  readonly leftOut: number;
}

/**
 * The replicas of DATABASE_REPLICA_URLS. Each is asked once a second; one that is away, follows another primary, or does
 * not have everything that the primary had DB_REPLICA_MAX_LAG_MS ago is left out until it has. The time of the last
 * replayed transaction would not tell: it stands still when nothing is written, and when the replica lost its primary.
 * TypeORM sees the same replicas, for query runners that are made for a `slave`.
 */
@Injectable()
export class Replicas implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Replicas');
  private readonly replicas: readonly Replica[];
  private readonly maxLagMs: number;
  /** What the primary had written when, oldest first: one sample older than the limit, and all later ones. */
  private readonly samples: Sample[] = [];
  private sampling = false;
  private timer: NodeJS.Timeout | undefined;
  private turn = 0;
  private stopped = false;

  constructor(
    @Inject(CONFIG) { environment }: Config,
    @InjectDataSource() private readonly dataSource: DataSource,
  ) {
    this.maxLagMs = environment.DB_REPLICA_MAX_LAG_MS;
    this.replicas = environment.DATABASE_REPLICA_URLS.map(
      (url) => new Replica(url, replicaPool(url, environment), (sentence) => this.logger.warn(sentence)),
    );
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.replicas.length > 0) await this.check();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await Promise.all(this.replicas.map((replica) => replica.close()));
    this.publish();
  }

  /** A replica that may be asked, each in its turn; undefined when there is none. */
  next(): Replica | undefined {
    const fit = this.replicas.filter(({ isFit }) => isFit);
    return fit[this.turn++ % fit.length];
  }

  /** A replica could not answer: when it is away it is left out at once. */
  failed(replica: Replica, error: unknown): void {
    if (databaseFailure(error) !== 'away') return;
    replica.leaveOut(`it does not answer (${reasonOf(error)})`);
    this.publish();
  }

  count(): ReplicaCount {
    const used = this.replicas.filter(({ isFit }) => isFit).length;
    return { used, leftOut: this.replicas.length - used };
  }

  private async check(): Promise<void> {
    const sampled = this.sample();
    if (this.samples.length === 0) await sampled;
    const upTo = this.required();
    await Promise.all(this.replicas.map((replica) => replica.check(upTo)));
    if (this.stopped) return;
    this.publish();
    this.timer = setTimeout(() => void this.check(), CHECK_MS);
    this.timer.unref();
  }

  /** Notes how far the primary has come. While it is away nothing is written, and what was noted goes on counting. */
  private async sample(): Promise<void> {
    if (this.sampling) return;
    this.sampling = true;
    const at = performance.now();
    try {
      const { rows } = await this.primary.query<LogPosition>(POSITION);
      if (rows[0] !== undefined) this.samples.push({ ...rows[0], at });
      const settled = this.samples.findLastIndex((sample) => sample.at <= at - this.maxLagMs);
      if (settled > 0) this.samples.splice(0, settled);
    } catch (error) {
      if (databaseFailure(error) === undefined)
        this.logger.warn(`The primary cannot say how far it is: ${reasonOf(error)}`);
    } finally {
      this.sampling = false;
    }
  }

  /** What a replica must have: the last that was written before the limit or, soon after the start, the first we know. */
  private required(): LogPosition | undefined {
    const latest = performance.now() - this.maxLagMs;
    return this.samples.findLast(({ at }) => at <= latest) ?? this.samples[0];
  }

  /** TypeORM chooses among these, and takes the primary when there are none. */
  private publish(): void {
    const fit = this.replicas.filter(({ isFit }) => isFit).map(({ pool }) => pool);
    if (this.replicas.length > 0) this.driver.slaves = fit;
  }

  private get primary(): Pool {
    return this.driver.master;
  }

  private get driver(): { master: Pool; slaves: Pool[] } {
    return this.dataSource.driver as unknown as { master: Pool; slaves: Pool[] };
  }
}
