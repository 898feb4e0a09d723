/** What is known of a statement after it ran; never its values. */
export interface QueryEvent {
  readonly text: string;
  readonly seconds: number;
  /** How many rows it gave or changed, where it did not fail. */
  readonly rows?: number | undefined;
  /** SQLSTATE of the failure, where it failed. */
  readonly errorCode?: string | undefined;
  /** It ran by a name, under which its connection keeps its plan. */
  readonly prepared: boolean;
}

type Listener = (event: QueryEvent) => void;
type AcquireListener = (seconds: number, errorCode?: string) => void;

/** Tells whoever listens (metrics, the slow-query log) about every statement of this process. */
export class QueryEvents {
  private readonly listeners: Listener[] = [];
  private readonly acquireListeners: AcquireListener[] = [];

  subscribe(listener: Listener): void {
    this.listeners.push(listener);
  }

  publish(event: QueryEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  /** Tells how long each use case and each read waited for a connection of the pool, and why those got none that did not. */
  onAcquired(listener: AcquireListener): void {
    this.acquireListeners.push(listener);
  }

  /** @param errorCode SQLSTATE of the failure, or node's code, where there is no connection after that long */
  acquired(seconds: number, errorCode?: string): void {
    for (const listener of this.acquireListeners) listener(seconds, errorCode);
  }
}

/** What connections tell of what they do. */
export type StatementEvents = Pick<QueryEvents, 'publish' | 'acquired'>;

/** SQLSTATE of a PostgreSQL error, however it was wrapped. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** The name of the constraint that a PostgreSQL error is about. */
export function violatedConstraint(error: unknown): string | undefined {
  const constraint = (error as { constraint?: unknown } | null)?.constraint;
  return typeof constraint === 'string' ? constraint : undefined;
}
