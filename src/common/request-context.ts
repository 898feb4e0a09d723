import { AsyncLocalStorage } from 'node:async_hooks';

/** On whose behalf this process works right now; for logs only, no decision may depend on it. */
export interface WorkContext {
  /** The route's template with its method, `POST /api/trading/orders`, or a job by its name: `job mail.send`. */
  readonly work: string;
  readonly requestId?: string | undefined;
}

const storage = new AsyncLocalStorage<WorkContext>();

/** Runs something, and everything that it starts, in this context. */
export function inContext<Result>(context: WorkContext, run: () => Result): Result {
  return storage.run(context, run);
}

/** The context of whoever calls; undefined while the application starts, and for what nobody asked for. */
export function currentContext(): WorkContext | undefined {
  return storage.getStore();
}
