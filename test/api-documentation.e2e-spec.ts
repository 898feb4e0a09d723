import { Ajv2020 } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { checkDocumented, type CheckedAnswer } from './support/documented-answers';
import { startApp, type TestApp } from './support/app';

interface Media {
  readonly schema?: object;
}
interface Response {
  readonly description: string;
  readonly headers?: object;
  readonly content?: Readonly<Record<string, Media>>;
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly schema?: object }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly security?: readonly object[];
  readonly responses: Readonly<Record<string, Response>>;
}

/** Schemas that let anything through, and why they do. */
const ANYTHING = [
  // What changed: each thing that is audited has fields of its own.
  '#/components/schemas/AuditRecordView/properties/before/anyOf/0/additionalProperties',
  '#/components/schemas/AuditRecordView/properties/after/anyOf/0/additionalProperties',
  // Plans have the form that PostgreSQL's version gives them.
  '#/components/schemas/ExplainedStatement/properties/explain/additionalProperties',
  '#/components/schemas/QueryAnswer/anyOf/0/properties/plan/anyOf/0/properties/plan/additionalProperties',
];

describe('the documentation of the API', () => {
  let app: TestApp;
  let document: any;
  let operations: [name: string, operation: Operation][];

  beforeAll(async () => {
    app = await startApp();
    document = (await app.get('/docs-json')).body;
    operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, Operation] => [
        `${method.toUpperCase()} ${path}`,
        operation,
      ]),
    );
  });
  afterAll(() => app.close());

  const operation = (wanted: string): Operation => {
    const [, found] = operations.find(([name]) => name === wanted) ?? [];
    if (found === undefined) throw new Error(`${wanted} is not documented`);
    return found;
  };
  const refusals = (name: string): number[] =>
    Object.keys(operation(name).responses)
      .map(Number)
      .filter((status) => status >= 400);
  /** Names of operations of which something does not hold. */
  const without = (holds: (operation: Operation, name: string) => boolean): string[] =>
    operations.filter(([name, one]) => !holds(one, name)).map(([name]) => name);
  const hasPathParameter = ({ parameters = [] }: Operation): boolean =>
    parameters.some((parameter) => parameter.in === 'path');

  it('is OpenAPI 3.1, of which every reference leads somewhere', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'GridTokenX', version: '0.1.0' } });
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      ([, path]) => path,
    );
    const dangling = references.filter(
      (path) => path?.split('/').reduce((place, part) => place?.[part], document) === undefined,
    );
    expect(dangling).toEqual([]);
    expect(references.length).toBeGreaterThan(500);
  });

  it('has schemas that a validator of JSON Schema 2020-12 takes', () => {
    const ajv = addFormats.default(new Ajv2020({ allowUnionTypes: true }));
    ajv.addVocabulary(['components']);
    ajv.addSchema({ $id: 'api', components: document.components });
    for (const name of Object.keys(document.components.schemas))
      expect(ajv.getSchema(`api#/components/schemas/${name}`)).toBeInstanceOf(Function);
  });

  it('calls every operation otherwise, by a name that any language takes', () => {
    const ids = operations.map(([, { operationId }]) => operationId);
    expect(ids.filter((id) => !/^[A-Za-z]\w*$/.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('says of every operation what it answers: a body with its schema, or none', () => {
    const ofSuccess = ({ responses }: Operation) =>
      Object.entries(responses).filter(([status]) => Number(status) < 300);
    const answersNothing = ['202', '204'];
    expect(
      without((one) => {
        const [[status = '', { content }] = ['', {} as Response], ...more] = ofSuccess(one);
        const media = Object.values(content ?? {});
        return (
          more.length === 0 &&
          (media.length === 0
            ? answersNothing.includes(status)
            : media.every(({ schema }) => schema !== undefined))
        );
      }),
    ).toEqual([]);
    expect(Object.keys(operation('GET /metrics').responses['200']?.content ?? {})).toEqual(['text/plain']);
    expect(operation('GET /api/offers').responses).toHaveProperty('304');
  });

  it('says of every body what it may be', () => {
    expect(
      without(({ requestBody }) =>
        Object.values(requestBody?.content ?? {}).every(
          ({ schema }) => schema !== undefined && !isAnything(schema),
        ),
      ),
    ).toEqual([]);
  });

  it('lets anything through in a few places only', () => {
    expect([...placesOfAnything(document.components.schemas, '#/components/schemas')].sort()).toEqual(
      [...ANYTHING].sort(),
    );
    const answers = operations.flatMap(([name, { responses }]) =>
      Object.entries(responses).flatMap(([status, { content = {} }]) =>
        Object.values(content).flatMap((media) => [...placesOfAnything(media, `${name} ${status}`)]),
      ),
    );
    expect(answers).toEqual([]);
  });

  it('documents every refusal as a problem', () => {
    const problem = { schema: { $ref: '#/components/schemas/Problem' } };
    const others = operations.flatMap(([name, { responses }]) =>
      Object.entries(responses)
        .filter(([status, { content }]) => {
          const media = Object.entries(content ?? {});
          return (
            Number(status) >= 400 &&
            JSON.stringify(media) !== JSON.stringify([['application/problem+json', problem]])
          );
        })
        .map(([status]) => `${name} ${status}`),
    );
    // Not ready is an answer of its own, with what is not.
    expect(others).toEqual(['GET /health 503', 'GET /health/ready 503']);
    expect(document.components.schemas.Problem.required).toEqual([
      'type',
      'title',
      'status',
      'code',
      'detail',
      'requestId',
    ]);
  });

  it('names the refusals that follow from what an operation is', () => {
    const has =
      (...statuses: number[]) =>
      ({ responses }: Operation): boolean =>
        statuses.every((status) => String(status) in responses);
    const takes = (one: Operation, name: string): boolean =>
      !name.startsWith('GET ') || (one.parameters ?? []).length > 0;
    const isOfTheMarket = (name: string): boolean => name.includes(' /api/');
    expect(without((one, name) => !takes(one, name) || has(400)(one))).toEqual([]);
    expect(without((one) => one.security !== undefined || has(401)(one))).toEqual([]);
    expect(without((one) => !hasPathParameter(one) || has(404, 414)(one))).toEqual([]);
    expect(without((one, name) => name.startsWith('GET ') || has(409, 413, 422)(one))).toEqual([]);
    expect(without(has(415, 500))).toEqual([]);
    expect(without((one, name) => !isOfTheMarket(name) || has(429, 503)(one))).toEqual([]);
    expect(refusals('GET /health/live')).toEqual([415, 500]);
    expect(refusals('GET /api/users')).toEqual([400, 401, 403, 415, 429, 500, 503]);
    expect(refusals('GET /api/trading/markets')).toEqual([400, 415, 429, 500, 503]);
  });

  it('names the codes that the code of a route leads to', () => {
    const { responses } = operation('POST /api/offers/{id}/purchase');
    expect(responses['404']?.description).toContain('`OFFER_NOT_FOUND`');
    expect(responses['409']?.description).toContain('`OFFER_EXHAUSTED`');
    expect(responses['422']?.description).toContain('`INSUFFICIENT_BALANCE`');
    expect(responses['503']?.description).toContain('`DATABASE_UNAVAILABLE`');
    expect(responses['503']?.headers).toHaveProperty('Retry-After');
    expect(operation('POST /api/auth/login').responses['401']?.description).toContain(
      '`INVALID_CREDENTIALS`',
    );
  });

  it('wants a token where the application does', () => {
    expect(document.security).toEqual([{ bearer: [] }]);
    expect(operation('POST /api/auth/login').security).toEqual([]);
    // Who is logged in may ask for more.
    expect(operation('GET /api/offers').security).toEqual([{}, { bearer: [] }]);
    expect(operation('POST /api/offers').security).toBeUndefined();
  });

  it('is what every answer to a test is held against', () => {
    const page = { items: [], nextCursor: null };
    const answer = { method: 'GET', path: '/api/offers?limit=1', status: 200, body: page as unknown };
    const contentType = 'application/json; charset=utf-8';
    const check = (other: Partial<CheckedAnswer>) => () =>
      checkDocumented(app.nest, { ...answer, contentType, ...other });
    expect(check({})).not.toThrow();
    expect(check({ body: { ...page, total: 1 } })).toThrow(
      'must NOT have additional properties {"additional',
    );
    expect(check({ body: { items: [] } })).toThrow('must have required property');
    expect(check({ status: 201 })).toThrow('GET /api/offers with 201 answers otherwise than /docs-json says');
    expect(check({ contentType: 'text/html' })).toThrow('does not answer text/html');
    expect(check({ status: 304 })).toThrow('answers without a body');
    expect(check({ status: 404, path: '/api/nothing', contentType: 'application/problem+json' })).toThrow(
      'must have required property',
    );
  });

  it('shows the header by which a request may be repeated', () => {
    const ofHeaders = ({ parameters = [] }: Operation) =>
      parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name);
    expect(ofHeaders(operation('POST /api/offers'))).toEqual(['Idempotency-Key']);
    expect(ofHeaders(operation('POST /api/meters'))).toEqual([]);
  });
});

const isAnything = (schema: object): boolean =>
  Object.keys(schema).every((key) => key === 'description') || JSON.stringify(schema) === '{"type":"object"}';

/** Where a schema says nothing. */
function* placesOfAnything(place: unknown, path: string): Generator<string> {
  if (typeof place !== 'object' || place === null) return;
  if (!Array.isArray(place) && isAnything(place)) yield path;
  for (const [key, part] of Object.entries(place)) yield* placesOfAnything(part, `${path}/${key}`);
}
