import { Client, type ClientBase } from 'pg';
import { currentContext } from '../../src/common/request-context';
import type { DatabaseUrls } from '../../src/database/database.module';
import { asOwner } from './database';

/** A node of a plan, as EXPLAIN (ANALYZE, FORMAT JSON) tells it; of its many fields those that are looked at. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** A plan that was carried out: of a statement itself, or of one that a function or a foreign key ran within it. */
export interface ExecutedPlan {
  readonly text: string;
  readonly root: PlanNode;
}

/** A statement that the application ran. */
export interface ExecutedStatement {
  /** The route or the job that ran it, as `currentContext` names it. */
  readonly work: string | undefined;
  readonly requestId: string | undefined;
  readonly text: string;
  readonly plans: readonly ExecutedPlan[];
}

/**
 * Lets PostgreSQL tell the application, as a notice to each statement, by which plans it carried it out: the plans that
 * were really taken, prepared ones and those inside functions and foreign keys included, with what they really read.
 * It counts for connections that are opened from now on.
 */
export async function tellPlans(urls: DatabaseUrls): Promise<void> {
  const { username, pathname } = new URL(urls.applicationUrl);
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_timing': 'off',
    'auto_explain.log_nested_statements': 'on',
    'auto_explain.log_format': 'json',
    'auto_explain.log_parameter_max_length': '0',
    'auto_explain.log_level': 'notice',
  };
  for (const [setting, value] of Object.entries(settings)) {
    await asOwner(
      urls,
      `ALTER ROLE "${username}" IN DATABASE "${pathname.slice(1)}" SET ${setting} = '${value}'`,
    );
  }
}

interface Running extends ExecutedStatement {
  readonly plans: ExecutedPlan[];
}

type Query = (this: ClientBase, ...parameters: unknown[]) => unknown;

/**
 * Keeps every statement that this process sends to a database that {@link tellPlans} was called for, with the plans it
 * is told.
 * @returns what was kept so far; it goes on growing
 */
export function keepStatements(): readonly ExecutedStatement[] {
  const kept: ExecutedStatement[] = [];
  const running = new WeakMap<ClientBase, Running[]>();
  const prototype = Client.prototype as unknown as { query: Query };
  const send = prototype.query;
  prototype.query = function (...parameters) {
    const queue = running.get(this) ?? listen(this, running);
    const context = currentContext();
    const statement = {
      work: context?.work,
      requestId: context?.requestId,
      text: textOf(parameters[0]),
      plans: [],
    };
    // A connection works on its statements one after the other: the first that is not done is the one that notices are about.
    queue.push(statement);
    return whenDone(send, this, parameters, () => {
      queue.splice(queue.indexOf(statement), 1);
      if (statement.plans.length > 0) kept.push(statement);
    });
  };
  return kept;
}

/** Gives every notice that tells a plan to the statement that the connection is working on. */
function listen(client: ClientBase, running: WeakMap<ClientBase, Running[]>): Running[] {
  const queue: Running[] = [];
  running.set(client, queue);
  client.on('notice', ({ message = '' }) => {
    const plan = /^duration: .* plan:\n([^]*)$/.exec(message)?.[1];
    if (plan === undefined) return;
    const { 'Query Text': text, Plan: root } = JSON.parse(plan) as { 'Query Text': string; Plan: PlanNode };
    queue[0]?.plans.push({ text, root });
  });
  return queue;
}

/** Runs a query that answers by a callback, the last of its parameters, or by a promise; and afterwards `done`. */
function whenDone(send: Query, client: ClientBase, parameters: unknown[], done: () => void): unknown {
  const callback = parameters.at(-1);
  if (typeof callback === 'function') {
    const answered = (...results: unknown[]): void => {
      done();
      (callback as (...all: unknown[]) => void)(...results);
    };
    return send.call(client, ...parameters.slice(0, -1), answered);
  }
  const result = send.call(client, ...parameters) as Promise<unknown>;
  return result.finally(done);
}

function textOf(statement: unknown): string {
  return typeof statement === 'string' ? statement : ((statement as { text?: string }).text ?? '');
}
