import { maxHeaderSize, STATUS_CODES } from 'node:http';
import { DomainError, type ErrorKind, type FieldError } from '../common/domain-error';
import { databaseFailure, type DatabaseFailure } from '../database/failures';

/** RFC 9457 problem details, as every error of the API answers. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
  readonly errors?: readonly FieldError[];
}

/** A problem and what belongs into the headers beside it. */
export interface ProblemAnswer {
  readonly problem: Omit<Problem, 'requestId'>;
  readonly retryAfterSeconds?: number | undefined;
  /** The error is ours: it belongs into the log, and nothing of it into the answer. */
  readonly unexpected: boolean;
  /** The database is the reason: it fails many requests alike, and the log needs no line for each. */
  readonly database?: DatabaseFailure;
}

const STATUS: Record<ErrorKind, readonly [number, string]> = {
  invalid: [400, 'Bad Request'],
  unauthenticated: [401, 'Unauthorized'],
  forbidden: [403, 'Forbidden'],
  'not-found': [404, 'Not Found'],
  conflict: [409, 'Conflict'],
  'too-large': [413, 'Content Too Large'],
  unprocessable: [422, 'Unprocessable Content'],
  'too-many': [429, 'Too Many Requests'],
  unavailable: [503, 'Service Unavailable'],
};

/** What Fastify or Nest refuse before any code of ours runs, by status code. */
const TRANSPORT: Record<number, readonly [code: string, kind: ErrorKind, detail: string]> = {
  400: [
    'MALFORMED_REQUEST',
    'invalid',
    'The request could not be read: send well-formed JSON with its Content-Type',
  ],
  408: ['REQUEST_TIMEOUT', 'invalid', 'The request did not arrive in time; send it again'],
  404: ['ROUTE_NOT_FOUND', 'not-found', 'There is no such route; /docs lists them all'],
  414: ['URL_TOO_LONG', 'invalid', 'A part of the path is longer than any key of ours'],
  413: ['BODY_TOO_LARGE', 'too-large', 'The body is larger than this route takes'],
  415: [
    'UNSUPPORTED_MEDIA_TYPE',
    'invalid',
    'This route does not take that Content-Type, or the body is compressed',
  ],
  417: ['EXPECTATION_UNKNOWN', 'invalid', 'Expect: 100-continue is all that can be expected here'],
  431: [
    'HEADERS_TOO_LARGE',
    'invalid',
    `The URL and the headers together are longer than ${maxHeaderSize / 1024} KiB`,
  ],
};

/** What the database's trouble means for the client. */
const DATABASE: Record<
  DatabaseFailure,
  { readonly code: string; readonly detail: string; readonly retryAfterSeconds: number }
> = {
  away: {
    code: 'DATABASE_UNAVAILABLE',
    detail: 'The database cannot answer right now; try again shortly',
    retryAfterSeconds: 1,
  },
  busy: {
    code: 'DATABASE_BUSY',
    detail: 'More is asked of the database than it serves at a time; try again shortly',
    retryAfterSeconds: 5,
  },
  slow: {
    code: 'DATABASE_TIMEOUT',
    detail:
      'The database was stopped since this took it too long; ask for less, such as fewer rows or a shorter time, or try again later',
    retryAfterSeconds: 10,
  },
};

/** The codes by which requests are told to come back when the database is in trouble. */
export const DATABASE_CODES: readonly string[] = Object.values(DATABASE).map(({ code }) => code);

/** The HTTP status of a sort of refusal. */
export const statusOfKind = (kind: ErrorKind): number => STATUS[kind][0];

/** Turns whatever was thrown into the answer that a client may see. */
export function problemOf(error: unknown): ProblemAnswer {
  if (error instanceof DomainError) return ofDomain(error);
  const transport = TRANSPORT[statusOf(error)];
  if (transport !== undefined) return ofTransport(statusOf(error), transport);
  const failure = databaseFailure(error);
  if (failure !== undefined) {
    const { code, detail, retryAfterSeconds } = DATABASE[failure];
    return {
      problem: problem('unavailable', code, detail),
      retryAfterSeconds,
      unexpected: true,
      database: failure,
    };
  }
  return {
    problem: {
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      code: 'INTERNAL_ERROR',
      detail: 'Something went wrong here; quote the request id when you report it',
    },
    unexpected: true,
  };
}

function ofDomain(error: DomainError): ProblemAnswer {
  const base = problem(error.kind, error.code, error.message);
  return {
    problem: error.fields === undefined ? base : { ...base, errors: error.fields },
    retryAfterSeconds: error.retryAfterSeconds,
    unexpected: false,
  };
}

function ofTransport(
  status: number,
  [code, kind, detail]: readonly [string, ErrorKind, string],
): ProblemAnswer {
  return {
    problem: { ...problem(kind, code, detail), status, title: STATUS_CODES[status] ?? 'Bad Request' },
    unexpected: false,
  };
}

function problem(kind: ErrorKind, code: string, detail: string): Omit<Problem, 'requestId'> {
  const [status, title] = STATUS[kind];
  return { type: 'about:blank', title, status, code, detail };
}

function statusOf(error: unknown): number {
  const { statusCode, status } = (error ?? {}) as { statusCode?: unknown; status?: unknown };
  const code = statusCode ?? status;
  return typeof code === 'number' ? code : 500;
}
