/**
 * What sort of refusal an error is. One filter maps kinds to HTTP; nothing else knows status codes.
 */
export type ErrorKind =
  | 'invalid' // 400: the input itself is wrong
  | 'unauthenticated' // 401: nobody, or a token that is no longer good
  | 'forbidden' // 403: the route is not for this role
  | 'not-found' // 404: it does not exist, or it is not yours
  | 'conflict' // 409: it collides with what is there
  | 'too-large' // 413
  | 'unprocessable' // 422: well formed, but a rule of the market refuses it
  | 'too-many' // 429
  | 'unavailable'; // 503: try again later

/** One wrong field of an input: a path such as `orders.3.pricePerKwh` and what is wrong with it. */
export interface FieldError {
  readonly field: string;
  readonly detail: string;
}

/**
 * An expected refusal. It has a code that never changes, a kind, and a sentence for people
 * that says what was wrong, where, and what to do.
 */
export abstract class DomainError extends Error {
  abstract readonly code: string;
  abstract readonly kind: ErrorKind;
  /** All wrong fields at once, where the error is about input. */
  readonly fields?: readonly FieldError[];
  /** Seconds after which trying again makes sense, where that is known. */
  readonly retryAfterSeconds?: number;
}

/** The input is malformed; `fields` lists everything that is wrong with it. */
export class InvalidInput extends DomainError {
  readonly code = 'INVALID_INPUT';
  readonly kind = 'invalid';
  constructor(override readonly fields: readonly FieldError[]) {
    super(fields.map(({ field, detail }) => (field ? `${field}: ${detail}` : detail)).join('; '));
  }
}

/** The thing does not exist, or belongs to somebody else: the answer is the same. */
export class NotFound extends DomainError {
  readonly code: string;
  readonly kind = 'not-found';
  constructor(what: string) {
    super(`There is no such ${what}, or it is not yours`);
    this.code = `${what.toUpperCase().replaceAll(' ', '_')}_NOT_FOUND`;
  }
}
