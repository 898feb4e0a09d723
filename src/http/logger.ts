import type { LoggerService } from '@nestjs/common';
import pino, { type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';
import { currentContext } from '../common/request-context';
import type { Config } from '../config/config';
import { workFields } from './log-fields';
import { redactedFields, redactedLine } from './log-redaction';

type Level = 'info' | 'warn' | 'error' | 'debug' | 'trace' | 'fatal';

/** Who tells how Nest puts the application together; what goes wrong there is thrown as well, and told by `main`. */
const ASSEMBLY = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'ExceptionHandler',
]);

/**
 * Nest's logging on pino: JSON lines, or readable ones where somebody looks at a terminal. Every line tells the request and
 * the trace it was written for, and none a secret.
 */
export class PinoLogger implements LoggerService {
  private constructor(private readonly pino: Logger) {}

  /** @param stream where the lines go instead of the standard output */
  static of(config: Pick<Config, 'environment' | 'production'>, stream = standardOutput(config)): PinoLogger {
    const options = {
      level: config.environment.LOG_LEVEL,
      mixin: () => workFields(currentContext()),
      serializers: { err: errorFields },
      redact: redactedFields,
      hooks: { streamWrite: redactedLine },
    };
    return new PinoLogger(pino(options, stream));
  }

  log(message: unknown, ...context: unknown[]): void {
    this.write('info', message, context);
  }

  warn(message: unknown, ...context: unknown[]): void {
    this.write('warn', message, context);
  }

  error(message: unknown, ...context: unknown[]): void {
    this.write('error', message, context);
  }

  debug(message: unknown, ...context: unknown[]): void {
    this.write('debug', message, context);
  }

  verbose(message: unknown, ...context: unknown[]): void {
    this.write('trace', message, context);
  }

  fatal(message: unknown, ...context: unknown[]): void {
    this.write('fatal', message, context);
  }

  /** Nest passes the name of who logs last, and a stack before it where there is one. */
  private write(level: Level, message: unknown, context: readonly unknown[]): void {
    const texts = context.filter((part) => typeof part === 'string');
    if (ASSEMBLY.has(texts.at(-1) ?? '')) level = 'debug';
    const fields = { context: texts.at(-1), stack: texts.length > 1 ? texts[0] : undefined };
    if (message instanceof Error) this.pino[level]({ ...fields, err: message }, message.message);
    else if (isRecord(message)) {
      const { message: text, ...own } = message;
      this.pino[level]({ ...fields, ...own }, text);
    } else this.pino[level](fields, String(message));
  }
}

/** A message with fields of its own, for those who search the log. */
interface LogRecord {
  readonly message: string;
}

function isRecord(message: unknown): message is LogRecord {
  return typeof (message as LogRecord | null)?.message === 'string';
}

function standardOutput({ production }: Pick<Config, 'production'>): DestinationStream {
  return process.stdout.isTTY && !production
    ? pretty({ sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' })
    : pino.destination({ sync: true });
}

/** Drivers hang values of statements and whole requests on their errors: only what is listed here is logged. */
function errorFields(error: Error): object {
  const { type, message, stack, code } = pino.stdSerializers.err(error);
  return { type, message, stack, code: code as unknown };
}
