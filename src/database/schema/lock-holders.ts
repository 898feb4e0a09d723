import type { DataSource } from 'typeorm';

/** How others see a session: never the text of its statements. */
const HOLDERS = `
  SELECT pid, coalesce(nullif(application_name, ''), usename, 'unknown') AS who, state,
         extract(epoch FROM clock_timestamp() - xact_start)::integer AS seconds
    FROM unnest(pg_blocking_pids($1)) AS pid LEFT JOIN pg_stat_activity USING (pid)
   ORDER BY pid`;

interface Holder {
  readonly pid: number;
  readonly who: string;
  readonly state: string | null;
  readonly seconds: number | null;
}

/** Remembers who keeps a session waiting: after its lock_timeout nobody can tell any more. */
export class LockHolders {
  private holders: readonly Holder[] = [];
  private told = '';
  private timer: NodeJS.Timeout | undefined;
  private looking = Promise.resolve();

  constructor(
    private readonly dataSource: DataSource,
    private readonly pid: number,
    private readonly onWait: (holders: string) => void,
  ) {}

  /** Looks from another session from now on; tells once of all who keep the session waiting together. */
  watch(intervalMs: number): void {
    this.timer = setInterval(() => {
      this.looking = this.looking.then(() => this.look());
    }, intervalMs);
  }

  /** @returns who kept the session waiting when last somebody did: `session 4711 (psql, idle in transaction for 92 s)` */
  async stop(): Promise<string> {
    clearInterval(this.timer);
    await this.looking;
    return this.holders.length === 0 ? 'other sessions' : this.holders.map(describe).join(' and ');
  }

  private async look(): Promise<void> {
    try {
      const holders = await this.dataSource.query<Holder[]>(HOLDERS, [this.pid]);
      if (holders.length === 0) return;
      this.holders = holders;
      const pids = holders.map(({ pid }) => pid).join();
      if (pids !== this.told) this.onWait(holders.map(describe).join(' and '));
      this.told = pids;
    } catch {
      // Who cannot look, names nobody: the migration's own error says what matters.
    }
  }
}

function describe({ pid, who, state, seconds }: Holder): string {
  if (pid === 0) return 'a prepared transaction (see pg_prepared_xacts)';
  const since = seconds === null ? '' : ` for ${seconds} s`;
  return `session ${pid} (${who}${state === null ? '' : `, ${state}${since}`})`;
}
