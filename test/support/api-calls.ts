import { randomUUID } from 'node:crypto';
import type { Answer, Person, TestApp } from './app';

/** What is sent to a route. */
export interface Call {
  readonly as?: Person | string | undefined;
  /** What stands for the parameter in the route, or for those that follow each other. */
  readonly of?: string | undefined;
  /** As in a URL, without the question mark. */
  readonly query?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What was called, and under which id the application knows it. */
export interface MadeCall {
  readonly operation: string;
  readonly query: string;
  readonly requestId: string;
  readonly answer: Answer;
}

/** A route as the documentation of the API has it: `GET /api/offers/{id}`. */
export interface Operation {
  readonly name: string;
  /** The names of its query parameters. */
  readonly filters: readonly string[];
}

interface Documented {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
}

/** Every route of the API, from its own documentation. */
export async function operationsOf(app: TestApp): Promise<Operation[]> {
  const { body } = await app.get('/docs-json');
  const paths = Object.entries(body.paths as Record<string, Record<string, Documented>>);
  return paths.flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [] }]) => ({
      name: `${method.toUpperCase()} ${path}`,
      filters: parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
    })),
  );
}

/** Calls routes by their documented names and keeps what was called. */
export class ApiCalls {
  readonly made: MadeCall[] = [];

  constructor(private readonly app: TestApp) {}

  /** @throws Error unless the route does what it is asked for */
  async call(operation: string, { as, of, query = '', body, headers = {} }: Call = {}): Promise<Answer> {
    const [method = '', template = ''] = operation.split(' ');
    const path = template.replace(/\{\w+\}(\/\{\w+\})*/, of ?? '');
    const requestId = randomUUID();
    const answer = await this.app.request(method, query === '' ? path : `${path}?${query}`, {
      as,
      body,
      headers: { ...headers, 'x-request-id': requestId },
    });
    this.made.push({ operation, query, requestId, answer });
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw new Error(
      `${operation} of ${path}?${query} answered ${answer.status}: ${JSON.stringify(answer.body)}`,
    );
  }

  /** Which of these routes and filters nobody asked for, each as a sentence that says what to do. */
  missing(operations: readonly Operation[]): string[] {
    return operations.flatMap(({ name, filters }) => {
      const calls = this.made.filter(({ operation }) => operation === name);
      const file = name.startsWith('GET ') ? 'api-reads.ts' : 'api-writes.ts';
      if (calls.length === 0)
        return [`${name} is not called: say in test/support/${file} what it is to be asked`];
      const asked = new Set(calls.flatMap(({ query }) => [...new URLSearchParams(query).keys()]));
      const left = filters.filter((filter) => !asked.has(filter));
      return left.map((filter) => `${name} is never asked by ${filter}: add a query to test/support/${file}`);
    });
  }
}
