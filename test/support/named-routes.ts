import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A route that a text tells people to ask. */
export interface NamedRoute {
  readonly file: string;
  /** None where the text names a path alone, or what many paths begin with. */
  readonly method: string | undefined;
  /** Its parts; `*` for what differs from one to the next. */
  readonly parts: readonly string[];
}

const PATH = /(?<![\w.])(?:(GET|POST|PUT|PATCH|DELETE)\s+)?(\/(?:api|health|metrics)(?![\w-])[\w/{}:<>-]*)/g;
const FILLED_IN = /\$\{[^}]*\}/g;
const VARIABLE = /^(?::.*|<.*>|\{.*\})$/;

/** Every route that files name, and those below a folder. */
export const namedRoutes = (places: readonly string[]): NamedRoute[] =>
  places
    .flatMap((place) => (statSync(place).isDirectory() ? sourcesBelow(place) : [place]))
    .flatMap((file) => routesIn(readFileSync(file, 'utf8')).map((route) => ({ file, ...route })));

const sourcesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .map((file) => join(folder, file));

function routesIn(text: string): Omit<NamedRoute, 'file'>[] {
  return [...text.replace(FILLED_IN, '{}').matchAll(PATH)].map(([, method, path = '']) => ({
    method,
    parts: path
      .replace(/[:/]+$/, '')
      .split('/')
      .map((part) => (VARIABLE.test(part) ? '*' : part)),
  }));
}

/** Whether a route of the documentation, such as `GET /api/offers/{id}`, is the one that a text names. */
export function isNamed({ method, parts }: NamedRoute, operation: string): boolean {
  const [ofRoute, path = ''] = operation.split(' ');
  const template = path.split('/');
  if (method !== undefined && (method !== ofRoute || template.length !== parts.length)) return false;
  return (
    template.length >= parts.length &&
    parts.every((part, place) => part === template[place] || VARIABLE.test(template[place] ?? ''))
  );
}
