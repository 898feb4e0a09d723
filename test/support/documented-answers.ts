import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { apiDocument } from '../../src/api-documentation/describe-api';

/** What came of a request, as far as the documentation of the API speaks of it. */
export interface CheckedAnswer {
  readonly method: string;
  /** As it was asked for, query included. */
  readonly path: string;
  readonly status: number;
  readonly contentType: string | null;
  /** Parsed where it is JSON. */
  readonly body: unknown;
}

interface DocumentedResponse {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

interface DocumentedRoute {
  readonly template: string;
  readonly pattern: RegExp;
  readonly methods: Readonly<Record<string, { readonly responses: Record<string, DocumentedResponse> }>>;
}

const PROBLEM = 'application/problem+json';
const PROBLEM_SCHEMA = { $ref: '#/components/schemas/Problem' };

let documented: DocumentedAnswers | undefined;

/**
 * Holds an answer against the OpenAPI document of the application, which is made once: all applications have the same routes.
 * @throws Error where a client who knows the documentation would not expect this
 */
export function checkDocumented(app: NestFastifyApplication, answer: CheckedAnswer): void {
  documented ??= new DocumentedAnswers(app);
  documented.check(answer);
}

/** Holds what an application answers against the OpenAPI document of that very application. */
class DocumentedAnswers {
  private readonly routes: readonly DocumentedRoute[];
  private readonly schemas = new Ajv2020({ allowUnionTypes: true });
  private readonly validators = new Map<object, ValidateFunction>();

  constructor(app: NestFastifyApplication) {
    const { paths, components } = apiDocument(app);
    addFormats.default(this.schemas);
    this.schemas.addVocabulary(['components']);
    this.schemas.addSchema({ $id: 'api', components: { schemas: components?.schemas ?? {} } });
    this.routes = Object.entries(paths)
      .map(([template, item]) => ({
        template,
        pattern: new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}/?$`),
        methods: item as DocumentedRoute['methods'],
      }))
      // What has fewer parameters is meant where two routes fit.
      .sort((a, b) => a.template.split('{').length - b.template.split('{').length);
  }

  check(answer: CheckedAnswer): void {
    const { method, path, status } = answer;
    if (method === 'HEAD') return; // what GET answers, without the body
    const [asked = ''] = path.split('?');
    const route = this.routes.find(
      ({ pattern, methods }) => pattern.test(asked) && method.toLowerCase() in methods,
    );
    if (route === undefined) return this.checkUnrouted(answer);
    const response = route.methods[method.toLowerCase()]?.responses[status];
    const name = `${method} ${route.template} with ${status}`;
    if (response === undefined) throw undocumented(name, 'has no such answer', answer);
    const media = answer.contentType?.split(';')[0] ?? '';
    if (response.content === undefined) {
      if (answer.body !== '') throw undocumented(name, 'answers without a body', answer);
      return;
    }
    const schema = response.content[media]?.schema;
    if (schema === undefined) throw undocumented(name, `does not answer ${media || 'nothing'}`, answer);
    if (media.endsWith('json')) this.checkBody(schema, name, answer);
  }

  /** What no route has answered is refused in the same form as everything else. */
  private checkUnrouted(answer: CheckedAnswer): void {
    if (answer.status < 400 || answer.contentType?.startsWith(PROBLEM) !== true) return;
    this.checkBody(PROBLEM_SCHEMA, `${answer.method} ${answer.path} with ${answer.status}`, answer);
  }

  private checkBody(schema: object, name: string, answer: CheckedAnswer): void {
    const validate = this.validatorOf(schema);
    if (validate(answer.body)) return;
    const wrong = (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath || 'it'} ${message} ${JSON.stringify(params)}`,
    );
    throw undocumented(name, wrong.join('; '), answer);
  }

  /** Compiled when it is first needed: most tests see a few routes only. */
  private validatorOf(schema: object): ValidateFunction {
    let validate = this.validators.get(schema);
    if (validate === undefined) {
      const inDocument = JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#', '"$ref":"api#')) as object;
      validate = this.schemas.compile(inDocument);
      this.validators.set(schema, validate);
    }
    return validate;
  }
}

const undocumented = (name: string, what: string, { body }: CheckedAnswer): Error =>
  new Error(
    `${name} answers otherwise than /docs-json says: ${what}\n${JSON.stringify(body)?.slice(0, 2_000) ?? ''}`,
  );
