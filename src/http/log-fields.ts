import type { WorkContext } from '../common/request-context';

/** Names of fields under which the log shows on whose behalf something was done; those of traces are OpenTelemetry's. */
export interface WorkFields {
  readonly work?: string | undefined;
  readonly requestId?: string | undefined;
  readonly trace_id?: string | undefined;
  readonly span_id?: string | undefined;
}

/** What every line of the log that was written in this context carries. */
export const workFields = (context: WorkContext | undefined): WorkFields =>
  context === undefined
    ? {}
    : {
        work: context.work,
        requestId: context.requestId,
        trace_id: context.trace?.traceId,
        span_id: context.trace?.spanId,
      };
