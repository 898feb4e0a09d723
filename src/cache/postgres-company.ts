import { setTimeout as pause } from 'node:timers/promises';
import type { ListeningSession } from './listening-session';

/** Held by the one process that keeps what it invalidates to itself; shared by those that tell each other. */
const ALONE = `hashtextextended('gridtokenx cache: alone', 0)`;
/** Where who comes asks the one that is alone to tell from now on. */
const ARRIVALS = 'gridtokenx_cache_arrivals';
const ASK_EVERY_MS = 20;

/** Transactions of our processes that are open in this database; the names of others' sessions may be hidden. */
const OPEN_TRANSACTIONS = `
  SELECT coalesce(array_agg(l.virtualxid), '{}') AS open
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
   WHERE l.locktype = 'virtualxid' AND l.granted AND a.datname = current_database() AND a.pid <> pg_backend_pid()
     AND (a.application_name IS NULL OR a.application_name LIKE 'gridtokenx%')`;
const STILL_OPEN = `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'virtualxid' AND virtualxid = ANY ($1)) AS held`;

/**
 * Who else is there. A process that may be alone on its database tells nobody what it invalidates, since commits that
 * notify wait for each other, until another one comes, and again when all others have gone. Who comes asks, and keeps
 * nothing before it is told everything. Both know by an advisory lock of the session that listens, which ends with whoever
 * held it.
 */
export class PostgresCompany {
  private state: 'alone' | 'admitting' | 'together' = 'together';

  /** @param mayBeAlone whether to look for that; the others are told from the start otherwise */
  constructor(private readonly mayBeAlone: boolean) {}

  /** Whether nobody has to be told. */
  get isAlone(): boolean {
    return this.state === 'alone';
  }

  /**
   * Resolves when everybody who is there tells what they invalidate.
   * @param isCurrent whether this session is still the one that listens
   */
  async enter(session: ListeningSession, isCurrent: () => boolean): Promise<void> {
    if (this.mayBeAlone) {
      session.onNotification((channel) => {
        // Without the session there is no lock either.
        if (channel === ARRIVALS) this.admit(session).catch(() => session.end().catch(() => undefined));
      });
      await session.query(`LISTEN ${ARRIVALS}`);
      if (await gets(session, 'pg_try_advisory_lock')) {
        this.state = 'alone';
        return;
      }
    }
    while (isCurrent() && !(await gets(session, 'pg_try_advisory_lock_shared'))) {
      await session.query(`NOTIFY ${ARRIVALS}`);
      await pause(ASK_EVERY_MS);
    }
  }

  /** Now and then: finds out whether all others have gone. @throws where the session does not answer */
  async look(session: ListeningSession): Promise<void> {
    if (!this.mayBeAlone || this.state !== 'together') return void (await session.query('SELECT 1'));
    if (!(await gets(session, 'pg_try_advisory_lock'))) return;
    await session.query(`SELECT pg_advisory_unlock_shared(${ALONE})`);
    this.state = 'alone';
  }

  /** The session that listened is lost: others may come unheard, and are told. */
  leave(): void {
    this.state = 'together';
  }

  /** What was begun in silence has to end before whoever came may keep anything. */
  private async admit(session: ListeningSession): Promise<void> {
    if (this.state !== 'alone') return;
    this.state = 'admitting';
    const [row] = await session.query<{ open: string[] }>(OPEN_TRANSACTIONS);
    while (await isHeld(session, row?.open ?? [])) await pause(ASK_EVERY_MS);
    await session.query(`SELECT pg_advisory_lock_shared(${ALONE}), pg_advisory_unlock(${ALONE})`);
    this.state = 'together';
  }
}

const gets = async (session: ListeningSession, lock: string): Promise<boolean> =>
  (await session.query<{ got: boolean }>(`SELECT ${lock}(${ALONE}) AS got`))[0]?.got === true;

const isHeld = async (session: ListeningSession, transactions: readonly string[]): Promise<boolean> =>
  (await session.query<{ held: boolean }>(STILL_OPEN, [transactions]))[0]?.held === true;
