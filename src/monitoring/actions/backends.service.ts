import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/principal';
import { ReservedDatabase } from '../../database/reserved-database';
import { reasonOf } from '../../database/failures';
import { sqlState } from '../../database/query-events';
import { statementForm } from '../../database/statement-fingerprint';
import { ReportDatabase } from '../reports/report-database';
import { ActionTrail } from './action-trail';
import { BackendOutOfReach, OwnBackend, UnknownBackend } from './actions.errors';
import { AUDITED_ACTIONS } from './audited-actions';
import { SqlState } from '../../database/sql-states';

export type Signal = 'cancel' | 'terminate';

/** A session as it was when somebody was about to stop it. */
interface SeenBackend {
  readonly application: string;
  readonly role: string;
  readonly client: string;
  readonly state: string | null;
  /** What it did, without values. */
  readonly statement: string | null;
}

export interface StoppedBackend extends SeenBackend {
  readonly pid: number;
  readonly action: Signal;
  /** PostgreSQL took the cancellation; of a session, that it has ended. */
  readonly done: boolean;
}

interface BackendRow extends SeenBackend {
  readonly own: boolean;
  readonly kind: string | null;
  /** Numbers of processes come again: the time of its start says that it is still the same. */
  readonly started: string | null;
}

type Query = <Row>(text: string, values: readonly unknown[]) => Promise<Row[]>;

/** An autovacuum worker that is stopped comes again by itself. */
const STOPPABLE = ['client backend', 'autovacuum worker'];

/** PostgreSQL shows the kind and the rest only of what it lets this role see. */
const LOOK = `
  SELECT pid = pg_backend_pid() AS own, backend_type AS kind, extract(epoch FROM backend_start)::text AS started,
         coalesce(nullif(application_name, ''), '(unnamed)') AS application, coalesce(usename::text, '') AS role,
         coalesce(host(client_addr), 'local') AS client, state, query AS statement
    FROM pg_stat_activity WHERE pid = $1 AND datname = current_database()`;
const THE_SAME = `
    FROM pg_stat_activity
   WHERE pid = $1 AND extract(epoch FROM backend_start)::text = $2 AND datname = current_database()
     AND backend_type = ANY ($3) AND pid <> pg_backend_pid()`;
/** The end of a session is waited for, up to five seconds: an answer that it is on its way would help nobody. */
const SIGNALS: Record<Signal, string> = {
  cancel: `SELECT pg_cancel_backend(pid) AS done ${THE_SAME}`,
  terminate: `SELECT pg_terminate_backend(pid, 5000) AS done ${THE_SAME}`,
};

/** What is known where PostgreSQL does not say that it is done. */
const UNHEARD: Record<Signal, { readonly reason: string }> = {
  cancel: { reason: 'The process had ended before' },
  terminate: { reason: 'The process has not ended within 5 seconds; it may yet' },
};

/** Stops what clients of this database, and autovacuum in it, do. */
@Injectable()
export class BackendsService {
  /** The owner, and the application's own role: each may stop its own, whatever else it may. */
  private readonly roles: readonly Query[];

  constructor(
    private readonly trail: ActionTrail,
    owner: ReportDatabase,
    application: ReservedDatabase,
  ) {
    this.roles = [
      (text, values) => owner.query(text, values),
      (text, values) => application.query(text, values),
    ];
  }

  /**
   * Cancels the statement of a session, or ends the session. Repeating it does no harm.
   * @throws UnknownBackend OwnBackend BackendOutOfReach
   */
  async stop(admin: Principal, pid: number, action: Signal): Promise<StoppedBackend> {
    const { started, ...backend } = await this.find(pid);
    const done = await this.trail.follow(admin, {
      audited: AUDITED_ACTIONS[action],
      entityId: String(pid),
      asked: { before: { ...backend } },
      work: () => this.signal(pid, started, action),
      outcomeOf: (taken) => ({
        done: taken,
        after: { ...backend, done: taken, ...(!taken && UNHEARD[action]) },
      }),
      reasonFor: (error) => ({ reason: reasonOf(error) }),
    });
    return { pid, action, ...backend, done };
  }

  private async find(pid: number): Promise<SeenBackend & { started: string }> {
    let hidden = false;
    for (const query of this.roles) {
      const [row] = await query<BackendRow>(LOOK, [pid]);
      if (row === undefined) throw new UnknownBackend(pid);
      const { own, kind, started, statement, ...seen } = row;
      if (own) throw new OwnBackend(pid);
      if (STOPPABLE.includes(kind ?? '') && started !== null)
        return { ...seen, started, statement: statement === null ? null : statementForm(statement).text };
      hidden ||= kind === null;
    }
    throw hidden ? new BackendOutOfReach(pid) : new UnknownBackend(pid);
  }

  private async signal(pid: number, started: string, action: Signal): Promise<boolean> {
    for (const query of this.roles) {
      try {
        const [answer] = await query<{ done: boolean }>(SIGNALS[action], [pid, started, STOPPABLE]);
        if (answer !== undefined) return answer.done;
      } catch (error) {
        if (sqlState(error) !== SqlState.INSUFFICIENT_PRIVILEGE) throw error;
        continue;
      }
      // Gone, or hidden from this role.
    }
    const [left] = await (this.roles[0] as Query)<BackendRow>(LOOK, [pid]);
    throw left === undefined ? new UnknownBackend(pid) : new BackendOutOfReach(pid);
  }
}
