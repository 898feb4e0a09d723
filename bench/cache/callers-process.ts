import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { CacheEntry } from '../../src/cache/cache-entry';
import { ourCache } from './our-cache';

/** Asks for one cold key by many callers at once, in a process of its own. */

/** What to ask for, and by how many. */
export interface CallersOrder {
  readonly redisUrl: string;
  readonly entry: CacheEntry<number>;
  readonly callers: number;
}

/** First that it is ready; then how it went. */
export type CallersResult =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answered'; readonly loads: number; readonly distinct: number };

/** Longer than it takes another process to ask too. */
const LOAD_MS = 100;

process.once('message', (order: CallersOrder) => void ask(order));

async function ask({ redisUrl, entry, callers }: CallersOrder): Promise<void> {
  Logger.overrideLogger(false);
  const cache = await ourCache({ redisUrl });
  say({ kind: 'ready' });
  await new Promise((resolve) => process.once('message', resolve));
  let loads = 0;
  const load = async (): Promise<number> => {
    loads++;
    await delay(LOAD_MS);
    return process.pid;
  };
  const answers = await Promise.all(Array.from({ length: callers }, () => cache.getOrCompute(entry, load)));
  say({ kind: 'answered', loads, distinct: new Set(answers).size });
  await cache.onApplicationShutdown();
  process.disconnect();
}

const say = (result: CallersResult): void => void process.send?.(result);
