import { Inject, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config';
import { Spans } from './spans';

/** Injection token of {@link Spans}; undefined where no traces are kept. */
export const SPANS = Symbol('SPANS');

/** OpenTelemetry traces, where OTEL_EXPORTER_OTLP_ENDPOINT names a collector; `installTracing` begins them. */
@Module({
  providers: [
    {
      provide: SPANS,
      inject: [CONFIG],
      useFactory: ({ environment }: Config) => {
        const logger = new Logger('Tracing');
        return Spans.open(environment, (sentence, isBad) =>
          isBad ? logger.warn(sentence) : logger.log(sentence),
        );
      },
    },
  ],
})
export class TracingModule implements OnApplicationShutdown {
  constructor(@Inject(SPANS) private readonly spans: Spans | undefined) {}

  async onApplicationShutdown(): Promise<void> {
    await this.spans?.close();
  }
}
