import { z } from 'zod';
import { Explained } from './explained';

/** What stands between us and the server; the message is a sentence that says what to do. */
export class ServerUnreachable extends Explained {}

/** Somebody pressed Ctrl-C. What was done is done, and running again goes on from there. */
export class Stopped extends Explained {
  constructor() {
    super('Stopped; run the same command again and it goes on where it was');
  }
}

const problemBody = z.object({
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.object({ field: z.string(), detail: z.string() })).optional(),
});

/** The server refused a request (RFC 9457 problem details). */
export class ApiProblem extends Explained {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    request: string,
  ) {
    super(`${request} was refused: ${detail} (${status} ${code})`);
  }

  /** Reads the problem of an answer; whatever answers without one is named by its status alone. */
  static from(status: number, body: string, request: string): ApiProblem {
    const { data } = problemBody.safeParse(jsonOf(body));
    if (data === undefined) return new ApiProblem(status, 'UNKNOWN', 'the answer does not say why', request);
    const fields = (data.errors ?? []).map(({ field, detail }) => `${field} ${detail}`).join('; ');
    return new ApiProblem(status, data.code, fields === '' ? data.detail : fields, request);
  }
}

/** True when the server refused with one of these codes: for refusals that say "done before". */
export const refusedWith = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof ApiProblem && codes.includes(error.code);

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
