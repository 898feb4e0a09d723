import { connections } from './connections.report';
import type { Report } from './report';

/** All of them, in the order in which they are listed. */
export const REPORTS: readonly Report[] = [connections];

export const reportNamed = (name: string): Report | undefined =>
  REPORTS.find((report) => report.name === name);
