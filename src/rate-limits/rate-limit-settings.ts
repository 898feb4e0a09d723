import type { Config } from '../config/config';
import type { LimitClass } from './limit-classes';

/** What the environment says about limits. */
export interface RateLimitSettings {
  readonly enabled: boolean;
  readonly windowMs: number;
  /** Requests in a window, of one user or address to one route. */
  readonly limits: Readonly<Record<LimitClass, number>>;
}

export function rateLimitSettings({ environment, rateLimitEnabled }: Config): RateLimitSettings {
  return {
    enabled: rateLimitEnabled,
    windowMs: environment.RATE_LIMIT_WINDOW_S * 1000,
    limits: {
      auth: environment.RATE_LIMIT_AUTH,
      admin: environment.RATE_LIMIT_ADMIN,
      api: environment.RATE_LIMIT_API,
      trading: environment.RATE_LIMIT_TRADING,
      readings: environment.RATE_LIMIT_READINGS,
      public: environment.RATE_LIMIT_PUBLIC,
    },
  };
}
