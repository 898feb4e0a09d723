import type * as OpenTelemetry from '@opentelemetry/api';
import type { Attributes, Span, SpanKind, Tracer } from '@opentelemetry/api';
import type { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { withinDeadline } from '../common/deadline';
import type { TraceContext } from '../common/trace-context';
import type { Environment } from '../config/environment';
import { RELEASE } from '../config/release';
import { CollectorExporter } from './collector-exporter';

/** Where the collector takes traces (OpenTelemetry protocol 1.0, OTLP/HTTP). */
const TRACES_PATH = 'v1/traces';
/** How long the collector may take for a batch, further attempts included. */
const EXPORT_MS = 5_000;
/** When the process ends: what the collector has not taken by then is lost. Everything has ten seconds to end. */
const CLOSE_MS = 2_000;
/** Monotonic time drifts from the clock that other systems stamp their spans with. */
const CLOCK_MS = 60_000;

type Settings = Pick<
  Environment,
  'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_SERVICE_NAME' | 'OTEL_TRACES_SAMPLER_ARG'
>;

/** A span that is going on. */
export interface OpenSpan {
  readonly trace: TraceContext;
  /** @param error a short name of the kind of failure, where it failed, such as a status code or an SQLSTATE */
  end(error?: string, attributes?: Attributes): void;
}

/** Makes spans and sends them in batches to a collector. Nothing of OpenTelemetry is loaded until `open` is called. */
export class Spans {
  private readonly tracer: Tracer;
  private clockOffset = 0;
  private clockReadAt = -Infinity;

  private constructor(
    private readonly otel: typeof OpenTelemetry,
    private readonly provider: NodeTracerProvider,
  ) {
    this.tracer = provider.getTracer('gridtokenx', RELEASE);
  }

  /**
   * @param say hears when the collector is away or back, and whether that is bad news
   * @returns undefined where OTEL_EXPORTER_OTLP_ENDPOINT names no collector: loading OpenTelemetry takes 0.4 s
   */
  static async open(
    settings: Settings,
    say: (sentence: string, isBad: boolean) => void,
  ): Promise<Spans | undefined> {
    const endpoint = settings.OTEL_EXPORTER_OTLP_ENDPOINT;
    if (endpoint === undefined) return undefined;
    const [otel, sdk, { resourceFromAttributes }, { OTLPTraceExporter }] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ]);
    const url = new URL(TRACES_PATH, endpoint.endsWith('/') ? endpoint : `${endpoint}/`).href;
    const exporter = new CollectorExporter(new OTLPTraceExporter({ url, timeoutMillis: EXPORT_MS }), say);
    const provider = new sdk.NodeTracerProvider({
      resource: resourceFromAttributes({
        'service.name': settings.OTEL_SERVICE_NAME,
        'service.version': RELEASE,
        'process.pid': process.pid,
      }),
      // Whoever sends a trace has decided already whether it is kept.
      sampler: new sdk.ParentBasedSampler({
        root: new sdk.TraceIdRatioBasedSampler(settings.OTEL_TRACES_SAMPLER_ARG),
      }),
      spanProcessors: [new sdk.BatchSpanProcessor(exporter)],
    });
    return new Spans(otel, provider);
  }

  /** Begins a span; without a parent it begins a trace. */
  begin(
    name: string,
    kind: keyof typeof SpanKind,
    parent: (TraceContext & { readonly isRemote?: boolean }) | undefined,
    attributes: Attributes,
  ): OpenSpan {
    const span = this.start(name, kind, parent, attributes, this.now());
    const { traceId, spanId, traceFlags } = span.spanContext();
    const sampled = (traceFlags & this.otel.TraceFlags.SAMPLED) !== 0;
    return {
      trace: { traceId, spanId, sampled },
      end: (error, more) => this.end(span, error, more),
    };
  }

  /** Adds a span for what has just ended; nothing where its trace is not kept. */
  add(
    name: string,
    kind: keyof typeof SpanKind,
    parent: TraceContext | undefined,
    {
      seconds,
      error,
      ...attributes
    }: { readonly seconds: number; readonly error?: string | undefined } & Attributes,
  ): void {
    if (parent?.sampled !== true) return;
    this.end(this.start(name, kind, parent, attributes, this.now() - seconds * 1000), error);
  }

  /** Sends what is left, and gives up after two seconds; the exporter tells why it could not. */
  async close(): Promise<void> {
    await withinDeadline(this.provider.shutdown(), CLOSE_MS, 'The collector').catch(() => undefined);
  }

  private start(
    name: string,
    kind: keyof typeof SpanKind,
    parent: (TraceContext & { readonly isRemote?: boolean }) | undefined,
    attributes: Attributes,
    startTime: number,
  ): Span {
    const { ROOT_CONTEXT, SpanKind, trace } = this.otel;
    const context =
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, this.contextOf(parent));
    return this.tracer.startSpan(name, { kind: SpanKind[kind], attributes, startTime }, context);
  }

  private contextOf({
    traceId,
    spanId,
    sampled,
    isRemote = false,
  }: TraceContext & { readonly isRemote?: boolean }) {
    const { TraceFlags } = this.otel;
    return { traceId, spanId, isRemote, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE };
  }

  private end(span: Span, error: string | undefined, attributes?: Attributes): void {
    if (attributes !== undefined) span.setAttributes(attributes);
    if (error !== undefined)
      span.setAttribute('error.type', error).setStatus({ code: this.otel.SpanStatusCode.ERROR });
    span.end(this.now());
  }

  /** Milliseconds since 1970, finer than Date.now(): a statement may take less than one. */
  private now(): number {
    const elapsed = performance.now();
    if (elapsed - this.clockReadAt > CLOCK_MS) {
      this.clockOffset = Date.now() - elapsed;
      this.clockReadAt = elapsed;
    }
    return elapsed + this.clockOffset;
  }
}
