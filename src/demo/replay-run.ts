import type { ApiClient } from './api-client';
import type { Dataset } from './dataset';
import type { Progress } from '../common/progress';
import type { Prices } from './trading-plan';

/** What is replayed, where, as whom and at which prices. */
export interface ReplayRun {
  readonly dataset: Dataset;
  /** The server, without a log-in. */
  readonly anybody: ApiClient;
  readonly admin: ApiClient;
  /** What the households' passwords and wallets are made from; the same secret finds them again. */
  readonly secret: string;
  readonly market: string;
  readonly prices: Prices;
  /** Intervals before it are metered, minted and certified, but not brought to market; all are when it is left out. */
  readonly tradeFrom?: Date;
  /** Of new meters: an IANA name. */
  readonly timeZone: string;
  readonly progress: Progress;
}

/** How many requests are under way at a time where their order does not matter. */
export const WIDTH = 4;
