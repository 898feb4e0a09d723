import { StandardSchemaValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { InvalidInput, type FieldError } from '../common/domain-error';

type Segment = PropertyKey | { readonly key: PropertyKey };

const segmentOf = (segment: Segment): string => String(typeof segment === 'object' ? segment.key : segment);

/** An answer names no more wrong fields than that. */
const MOST_FIELDS = 100;

/** What is no text for PostgreSQL: NUL, and half of a surrogate pair. */
const NO_TEXT = /[\0\p{Surrogate}]/u;

/**
 * A schema's check, and beyond it that every text it lets through can be stored. No body is one without fields: where all
 * of them may be left out so may the body, and elsewhere those that are missing are named.
 */
class RequestValidationPipe extends StandardSchemaValidationPipe {
  override async transform<Value>(value: Value, metadata: ArgumentMetadata): Promise<Value> {
    const given = metadata.type === 'body' ? (value ?? {}) : value;
    const valid = (await super.transform(given, metadata)) as Value;
    const wrong = metadata.schema === undefined ? [] : [...unstorable(valid, [])];
    if (wrong.length > 0) throw new InvalidInput(wrong.slice(0, MOST_FIELDS));
    return valid;
  }
}

function* unstorable(value: unknown, path: readonly string[]): Generator<FieldError> {
  if (typeof value === 'string' && NO_TEXT.test(value)) {
    yield { field: path.join('.'), detail: 'must not contain NUL or half of a surrogate pair' };
  } else if (Array.isArray(value) || isPlainObject(value)) {
    for (const [key, part] of Object.entries(value)) yield* unstorable(part, [...path, key]);
  }
}

/** What JSON makes; a date or an error that a schema made out of it was looked at there. */
function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Checks bodies, queries and parameters by their zod schemas; every wrong field is named at once. */
export const validationPipe = (): StandardSchemaValidationPipe =>
  new RequestValidationPipe({
    exceptionFactory: (issues) =>
      new InvalidInput(
        issues.slice(0, MOST_FIELDS).map(({ path, message }) => ({
          field: (path ?? []).map((segment) => segmentOf(segment)).join('.'),
          detail: message,
        })),
      ),
  });
