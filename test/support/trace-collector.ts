import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

type Value = { stringValue?: string; intValue?: number | string };
type Attribute = { key: string; value: Value };

interface SentSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  status: { code?: number };
}

interface Sent {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: SentSpan[] }[] }[];
}

/** A span as it arrived. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly startedAt: bigint;
  readonly endedAt: bigint;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly isError: boolean;
}

const ERROR = 2;

/** Takes traces as an OpenTelemetry collector does: OTLP/HTTP in JSON, on a free port of loopback. */
export class TraceCollector {
  /** All that arrived, as it arrived. */
  readonly bodies: string[] = [];
  readonly paths = new Set<string | undefined>();
  private readonly server = createServer((request, response) => {
    void this.take(request).then(() =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
    );
  });

  static async start(): Promise<TraceCollector> {
    const collector = new TraceCollector();
    collector.server.listen(0, '127.0.0.1');
    await once(collector.server, 'listening');
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get spans(): CollectedSpan[] {
    return this.resources.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) => spans.map((span) => collected(span))),
    );
  }

  /** What the first batch said of the process that sent it. */
  get resource(): Readonly<Record<string, string | number | undefined>> {
    return valuesOf(this.resources[0]?.resource.attributes ?? []);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private get resources(): Sent['resourceSpans'] {
    return this.bodies.flatMap((body) => (JSON.parse(body) as Sent).resourceSpans);
  }

  private async take(request: IncomingMessage): Promise<void> {
    this.paths.add(request.url);
    this.bodies.push(await text(request));
  }
}

const collected = ({ startTimeUnixNano, endTimeUnixNano, attributes, status, ...span }: SentSpan) => ({
  ...span,
  parentSpanId: span.parentSpanId,
  startedAt: BigInt(startTimeUnixNano),
  endedAt: BigInt(endTimeUnixNano),
  attributes: valuesOf(attributes),
  isError: status.code === ERROR,
});

const valuesOf = (attributes: readonly Attribute[]): Record<string, string | number | undefined> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));
