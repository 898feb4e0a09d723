import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { ErrorKind } from '../common/domain-error';

export type Schema = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];

/** What the build has read about a route from the types and the code behind it. */
export interface RouteAnswer {
  /** Its docstring. */
  readonly description?: string;
  /** Both are missing where it answers without a body. */
  readonly mediaType?: string;
  readonly schema?: Schema;
  /** Whether it looks at who is logged in, also where nobody has to be. */
  readonly knowsUser: boolean;
  /** Errors of the market that its code leads to; without a code where that depends on what happens. */
  readonly refusals: readonly { readonly kind: ErrorKind; readonly code?: string }[];
}

/** What `scripts/api-answers.mjs` writes. */
export interface ApiAnswers {
  /** By `Controller.method`. */
  readonly routes: Readonly<Record<string, RouteAnswer>>;
  readonly schemas: Readonly<Record<string, Schema>>;
}

const FILE = 'api-answers.json';
/** The folder that this one is compiled into, or the project where it runs as it is written, as in tests. */
const TOP = join(__dirname, '../..');

/**
 * @param top where what was built lies, or the project that has it in dist/
 * @throws Error where nothing has been built
 */
export function readApiAnswers(top = TOP): ApiAnswers {
  const file = [join(top, FILE), join(top, 'dist', FILE)].find((place) => existsSync(place));
  if (file === undefined)
    throw new Error(`There is no dist/${FILE}, which says what the routes answer: run npm run build`);
  return JSON.parse(readFileSync(file, 'utf8')) as ApiAnswers;
}
