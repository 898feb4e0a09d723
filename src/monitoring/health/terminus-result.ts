import { ServiceUnavailableException } from '@nestjs/common';
import type {
  HealthCheckResult,
  HealthCheckService,
  HealthIndicatorResult,
  HealthIndicatorService,
} from '@nestjs/terminus';
import type { PartHealth } from './part-health';

/** What was found, in the form of Terminus. */
export function indicatorOf(
  indicators: HealthIndicatorService,
  name: string,
  { status, ...told }: PartHealth,
): HealthIndicatorResult {
  const indicator = indicators.check(name);
  if (status === 'up') return indicator.up(told);
  return status === 'down' ? indicator.down(told) : indicator.degraded(told);
}

/** Terminus throws when something is down; here the answer is of the same shape either way. */
export async function resultOf(
  checks: HealthCheckService,
  indicators: (() => Promise<HealthIndicatorResult> | HealthIndicatorResult)[],
): Promise<HealthCheckResult> {
  try {
    return await checks.check(indicators);
  } catch (error) {
    if (!(error instanceof ServiceUnavailableException)) throw error;
    return error.getResponse() as HealthCheckResult;
  }
}
