import type { Transaction } from '../database/transaction';

/** What processes tell each other; each drops it from its own memory. */
export interface Invalidation {
  readonly tags?: readonly string[];
  readonly keys?: readonly string[];
  /** With `*` for any text. */
  readonly patterns?: readonly string[];
  /** Everything. */
  readonly all?: true;
}

export interface BusListener {
  /** Another process invalidated something. */
  heard(invalidation: Invalidation): void;
  /** From now on invalidations are missed. */
  lost(): void;
  /** From now on they arrive. */
  listening(): void;
}

/** Carries invalidations to the other processes. There is one, or none where one process is all there is. */
export interface InvalidationBus {
  start(listener: BusListener): void;
  /** Tells the others now. @throws where it cannot be said */
  publish(invalidation: Invalidation): Promise<void>;
  /** Tells the others when the transaction is committed, as part of it; unset where that cannot be. */
  readonly publishWith?: (tx: Transaction, invalidation: Invalidation) => Promise<void>;
  close(): Promise<void>;
}

/** A process that is alone listens to nobody. */
export class NoBus implements InvalidationBus {
  start(listener: BusListener): void {
    listener.listening();
  }

  publish(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
