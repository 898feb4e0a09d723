import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';

type ExportResult = Parameters<Parameters<SpanExporter['export']>[1]>[0];

/** OpenTelemetry's code of an export that went well. */
const EXPORTED = 0;

/** Passes spans on, and tells once when the collector goes away and once when it is back: nothing else says so. */
export class CollectorExporter implements SpanExporter {
  private lost = 0;
  private isAway = false;

  /** @param say hears the sentence, and whether it is bad news */
  constructor(
    private readonly inner: SpanExporter,
    private readonly say: (sentence: string, isBad: boolean) => void,
  ) {}

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.inner.export(spans, (result) => {
      if ((result.code as number) === EXPORTED) this.arrived();
      else this.failed(spans.length, result.error);
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.inner.shutdown();
  }

  private arrived(): void {
    if (!this.isAway) return;
    this.say(`The collector takes traces again; ${this.lost} spans were lost meanwhile`, false);
    this.isAway = false;
    this.lost = 0;
  }

  private failed(spans: number, error: Error | undefined): void {
    this.lost += spans;
    if (this.isAway) return;
    this.isAway = true;
    const reason = error === undefined ? '' : `: ${error.message || error.name}`;
    this.say(
      `Traces do not reach the collector${reason}. They are lost until it answers; check OTEL_EXPORTER_OTLP_ENDPOINT`,
      true,
    );
  }
}
