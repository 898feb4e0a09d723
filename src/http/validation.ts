import { StandardSchemaValidationPipe } from '@nestjs/common';
import { InvalidInput } from '../common/domain-error';

type Segment = PropertyKey | { readonly key: PropertyKey };

const segmentOf = (segment: Segment): string => String(typeof segment === 'object' ? segment.key : segment);

/** Checks bodies, queries and parameters by their zod schemas; every wrong field is named at once. */
export const validationPipe = (): StandardSchemaValidationPipe =>
  new StandardSchemaValidationPipe({
    exceptionFactory: (issues) =>
      new InvalidInput(
        issues.slice(0, 100).map(({ path, message }) => ({
          field: (path ?? []).map((segment) => segmentOf(segment)).join('.'),
          detail: message,
        })),
      ),
  });
