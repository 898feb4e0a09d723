import { Pool, type PoolConfig } from 'pg';
import { reasonOf } from './failures';

const STATE = {
  name: 'replica_state',
  text: `SELECT pg_is_in_recovery() AS standby, (SELECT system_identifier FROM pg_control_system())::text AS cluster,
                coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::bigint AS replayed`,
  query_timeout: 2_000,
};

/** A place in the write-ahead log of a cluster. */
export interface LogPosition {
  /** Which cluster: the same for a primary and all that follow it, and for no other. */
  readonly cluster: string;
  /** Bytes since the beginning of the log. */
  readonly lsn: bigint;
}

/** A server that follows the primary, and whether it may be asked. */
export class Replica {
  readonly pool: Pool;
  /** Host, port and database, for messages. */
  private readonly place: string;
  private verdict: 'unknown' | 'fit' | 'left out' = 'unknown';

  constructor(
    url: string,
    options: PoolConfig,
    private readonly say: (sentence: string) => void,
  ) {
    const { host, pathname } = new URL(url);
    this.place = `${host}${pathname}`;
    this.pool = new Pool(options);
    this.pool.on('error', (error) => this.leaveOut(`it ended a connection (${reasonOf(error)})`));
  }

  get isFit(): boolean {
    return this.verdict === 'fit';
  }

  /** Asks it how far it has come, and takes it in when it has everything up to a place in the primary's log. */
  async check(upTo: LogPosition | undefined): Promise<void> {
    try {
      const { rows } = await this.pool.query<LogState>(STATE);
      const obstacle = upTo === undefined ? 'the primary does not answer' : obstacleOf(rows[0], upTo);
      if (obstacle === undefined) this.takeIn();
      else this.leaveOut(obstacle);
    } catch (error) {
      this.leaveOut(`it does not answer (${reasonOf(error)})`);
    }
  }

  leaveOut(reason: string): void {
    if (this.verdict !== 'left out') this.say(`Replica ${this.place} is not used: ${reason}`);
    this.verdict = 'left out';
  }

  async close(): Promise<void> {
    this.verdict = 'left out';
    if (!this.pool.ending) await this.pool.end();
  }

  private takeIn(): void {
    if (this.verdict !== 'fit') this.say(`Replica ${this.place} answers reads that may be some seconds old`);
    this.verdict = 'fit';
  }
}

interface LogState {
  standby: boolean;
  cluster: string;
  replayed: bigint;
}

function obstacleOf(state: LogState | undefined, upTo: LogPosition): string | undefined {
  if (state?.standby !== true || state.cluster !== upTo.cluster) return 'it is no standby of the primary';
  return state.replayed < upTo.lsn ? 'it is too far behind the primary' : undefined;
}
