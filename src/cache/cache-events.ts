import { Injectable } from '@nestjs/common';
import type { BreakerState } from './circuit-breaker';

/** What is slow enough to be timed: look-ups in memory are only counted. */
export type TimedOperation = 'read' | 'write' | 'load';

export type CacheEvent =
  | {
      readonly kind: 'timed';
      readonly operation: TimedOperation;
      readonly prefix: string;
      readonly seconds: number;
    }
  | { readonly kind: 'breaker'; readonly state: BreakerState };

type Listener = (event: CacheEvent) => void;

/** Tells metrics how long the slow steps take, and whether Redis is used. */
@Injectable()
export class CacheEvents {
  private readonly listeners: Listener[] = [];

  subscribe(listener: Listener): void {
    this.listeners.push(listener);
  }

  publish(event: CacheEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}
