import { ChecklistService } from './checklist.service';
import { RegistrySight, scrapeMetricProvider } from './metrics-sight';
import { StatementWatch } from './statement-watch';

/** What fills in the checklist, for the module of monitoring: it shares the connections of the reports. */
export const checklist = [ChecklistService, RegistrySight, scrapeMetricProvider, StatementWatch];
