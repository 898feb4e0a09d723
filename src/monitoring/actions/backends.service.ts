import { Inject, Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/principal';
import { DATABASE_URLS, type DatabaseUrls } from '../../database/database.module';
import { databaseFailure, reasonOf } from '../../database/failures';
import { sqlState } from '../../database/query-events';
import { ReservedDatabase } from '../../database/reserved-database';
import { SqlState } from '../../database/sql-states';
import { statementForm } from '../../database/statement-fingerprint';
import { ActionTrail } from './action-trail';
import { BackendOutOfReach, OwnBackend, UnknownBackend } from './actions.errors';
import { AUDITED_ACTIONS } from './audited-actions';
import { signalBackend, STOPPABLE, UNHEARD, type Backend, type Query, type Signal } from './backend-signals';
import { ownSession } from './own-session';

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
  readonly started: string | null;
}

/** Lets statements run as one of our roles. */
type Role = <Result>(work: (query: Query) => Promise<Result>) => Promise<Result>;

const OWNER = { application: 'gridtokenx actions', statementMs: 5_000 };

/** PostgreSQL shows the kind and the rest only of what it lets this role see. */
const LOOK = `
  SELECT pid = pg_backend_pid() AS own, backend_type AS kind, extract(epoch FROM backend_start)::text AS started,
         coalesce(nullif(application_name, ''), '(unnamed)') AS application, coalesce(usename::text, '') AS role,
         coalesce(host(client_addr), 'local') AS client, state, query AS statement
    FROM pg_stat_activity WHERE pid = $1 AND datname = current_database()`;

/** Stops what clients of this database, and autovacuum in it, do. */
@Injectable()
export class BackendsService {
  /**
   * The application's own role, and the owner: each may stop its own, whatever else it may. What jams are made of is mostly
   * the application's own, and its connections are at hand; the owner waits behind no report.
   */
  private readonly roles: readonly Role[];

  constructor(
    private readonly trail: ActionTrail,
    @Inject(DATABASE_URLS) { ownerUrl }: Pick<DatabaseUrls, 'ownerUrl'>,
    application: ReservedDatabase,
  ) {
    this.roles = [
      (work) => work((text, values) => application.query(text, values)),
      (work) =>
        ownSession(ownerUrl, OWNER, (owner) =>
          work(async <Row>(text: string, values: readonly unknown[]) => {
            const { rows } = await owner.query(text, [...values]);
            return rows as Row[];
          }),
        ),
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
      work: () => this.signal({ pid, started }, action),
      outcomeOf: (taken) => ({
        done: taken,
        after: { ...backend, done: taken, ...(!taken && UNHEARD[action]) },
      }),
      reasonFor: (error) => ({ reason: reasonOf(error) }),
    });
    return { pid, action, ...backend, done };
  }

  private async find(pid: number): Promise<SeenBackend & { started: string }> {
    let isHidden = false;
    const seen = await this.byRoles(async (query) => {
      const row = await lookAt(query, pid);
      isHidden ||= row.kind === null;
      return STOPPABLE.includes(row.kind ?? '') && row.started !== null ? row : undefined;
    });
    if (seen === undefined) throw isHidden ? new BackendOutOfReach(pid) : new UnknownBackend(pid);
    const { own: _, kind: __, started, statement, ...backend } = seen;
    return {
      ...backend,
      started: started ?? '',
      statement: statement === null ? null : statementForm(statement).text,
    };
  }

  private async signal(backend: Backend, action: Signal): Promise<boolean> {
    const done = await this.byRoles((query) => signalBackend(query, backend, action));
    if (done !== undefined) return done;
    await this.byRoles((query) => lookAt(query, backend.pid));
    throw new BackendOutOfReach(backend.pid);
  }

  /**
   * What the first of the roles says that can: one may be out of connections, or have no right, where the other one is not.
   * @returns undefined where none says anything
   * @throws the first failure of the database where none says anything
   */
  private async byRoles<Result>(
    ask: (query: Query) => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    const failures: unknown[] = [];
    for (const as of this.roles) {
      try {
        const result = await as(ask);
        if (result !== undefined) return result;
      } catch (error) {
        if (databaseFailure(error) !== undefined) failures.push(error);
        else if (sqlState(error) !== SqlState.INSUFFICIENT_PRIVILEGE) throw error;
      }
    }
    if (failures.length > 0) throw failures[0];
    return undefined;
  }
}

/** @throws UnknownBackend OwnBackend */
async function lookAt(query: Query, pid: number): Promise<BackendRow> {
  const [row] = await query<BackendRow>(LOOK, [pid]);
  if (row === undefined) throw new UnknownBackend(pid);
  if (row.own) throw new OwnBackend(pid);
  return row;
}
