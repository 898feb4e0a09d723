import type { FillPlan } from './table-fill';

/** Issuances reach back three years, the last two months are not certified yet. */
export const CERTIFIED_MONTHS = 34;
export const UNCERTIFIED_MONTHS = 2;

/** How many meters have a certificate of each certified month: those with the lowest numbers. */
export function certifiedMeters(plan: FillPlan): number {
  return Math.min(plan.rows('meters'), Math.ceil(plan.rows('certificate_issuances') / CERTIFIED_MONTHS));
}
