import { Injectable } from '@nestjs/common';

export type CacheResult = 'hit' | 'miss' | 'error';

export interface CacheEvent {
  readonly prefix: string;
  readonly tier: string;
  readonly result: CacheResult;
}

type Listener = (event: CacheEvent) => void;

/** Tells metrics about every look-up. */
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
