import { loadConfig } from '../../src/config/config';
import { PinoLogger } from '../../src/http/logger';

/** What an application logs, line by line, by the logger that it has in production. */
export class LogLines {
  readonly lines: string[] = [];
  readonly logger = PinoLogger.of(
    loadConfig({
      DATABASE_URL: 'postgres://nobody@localhost/nothing',
      JWT_SECRET: 'a secret of tests only, 32 characters or more',
    }),
    { write: (line) => void this.lines.push(line) },
  );

  /** Those of which the log says that `context` wrote them. */
  of(context: string): Record<string, unknown>[] {
    return this.lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line['context'] === context);
  }
}
