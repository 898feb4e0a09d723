import { Logger } from '@nestjs/common';
import type { DatabaseUrls } from '../../src/database/database.module';
import { configOf, wholeApplication, type MeasuredServer } from '../cache/http-servers';

/** What its parent asks of it; everything is answered with a {@link ServerAnswer}. */
export type ServerOrder =
  | {
      readonly kind: 'start';
      readonly urls: DatabaseUrls;
      readonly dataDir: string;
      readonly variables: Record<string, string>;
    }
  | { readonly kind: 'cpu' }
  | { readonly kind: 'end' };

export interface ServerAnswer {
  /** Its port after `start`; what the process has spent of a core until now, in microseconds, after `cpu`. */
  readonly figure: number;
  /** A sentence where it could not be done. */
  readonly failure?: string;
}

let server: MeasuredServer | undefined;

async function obey(order: ServerOrder): Promise<number> {
  if (order.kind === 'cpu') {
    const { user, system } = process.cpuUsage();
    return user + system;
  }
  if (order.kind === 'end') {
    await server?.close();
    return 0;
  }
  Logger.overrideLogger(false);
  server = await wholeApplication(configOf(order.urls, order.dataDir, order.variables), order.urls);
  return server.port;
}

process.on('message', (order: ServerOrder) => {
  obey(order).then(
    (figure) => process.send?.({ figure } satisfies ServerAnswer),
    (error: unknown) => process.send?.({ figure: 0, failure: String(error) } satisfies ServerAnswer),
  );
});
