import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const PROJECT = resolve(__dirname, '..');

/** What every controller here needs, and what is told beside the routes. */
const FRAME = {
  'tsconfig.build.json': JSON.stringify({
    compilerOptions: {
      strict: true,
      target: 'es2023',
      experimentalDecorators: true,
      types: [],
      noEmit: true,
    },
    include: ['src'],
  }),
  'src/http/problem.ts': 'export interface Problem { readonly status: number }',
  'src/nest.ts': `
    export declare const Controller: () => ClassDecorator;
    export declare const Get: () => MethodDecorator;
    export declare const CurrentUser: () => ParameterDecorator;`,
  'src/errors.ts': `
    export abstract class DomainError extends Error { abstract readonly code: string; abstract readonly kind: string }
    export class Taken extends DomainError { readonly code = 'TAKEN'; readonly kind = 'conflict' }
    export class Away extends DomainError { readonly code = 'AWAY'; readonly kind = 'unavailable' }`,
};

/** Reads the answers of a small project. */
function answersOf(sources: Record<string, string>): {
  answers: any;
  printed: string;
  exitCode: number | null;
} {
  const folder = mkdtempSync(join(tmpdir(), 'gridtokenx-answers-'));
  try {
    cpSync(join(PROJECT, 'scripts'), join(folder, 'scripts'), { recursive: true });
    symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
    for (const [file, text] of Object.entries({ ...FRAME, ...sources })) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    const { status, stderr } = spawnSync(process.execPath, ['scripts/api-answers.mjs'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const answers =
      status === 0 ? JSON.parse(readFileSync(join(folder, 'dist/api-answers.json'), 'utf8')) : undefined;
    return { answers, printed: stderr, exitCode: status };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A controller with one route that answers with a type. */
const answering = (type: string, types = ''): Record<string, string> => ({
  'src/things.controller.ts': `
    import { Controller, Get } from './nest';
    ${types}
    @Controller()
    export class ThingsController {
      @Get() one(): Promise<${type}> { throw new Error() }
    }`,
});

describe('what the build reads of the routes', () => {
  it('is what JSON makes of the types they answer with', () => {
    const { answers } = answersOf(
      answering(
        'Page<Thing>',
        `interface Page<Item> { readonly items: readonly Item[]; readonly nextCursor: string | null }
         type Colour = 'red' | 'green';
         /** A thing, see {@link Page}. */
         interface Thing {
           /** Its key. */
           readonly id: string;
           readonly colour: Colour;
           readonly other: Colour | null;
           readonly at: Date;
           readonly since?: Date | undefined;
           readonly late: string | undefined;
           readonly good: boolean;
           readonly figures: Readonly<Record<string, number>>;
           readonly parts: Thing[];
           readonly pair: readonly [string, number];
           readonly any: unknown;
           readonly sum: { toJSON(): string };
           readonly kept: Pick<Thing, 'id'> & { readonly more: true };
         }`,
      ),
    );
    const string = { type: 'string' };
    expect(answers.routes['ThingsController.one']).toEqual({
      mediaType: 'application/json',
      schema: { $ref: '#/components/schemas/ThingPage' },
      knowsUser: false,
      refusals: [],
    });
    expect(answers.schemas.ThingPage.properties).toEqual({
      items: { type: 'array', items: { $ref: '#/components/schemas/Thing' } },
      nextCursor: { type: ['string', 'null'] },
    });
    expect(answers.schemas.Thing).toEqual({
      type: 'object',
      description: 'A thing, see Page.',
      properties: {
        id: { ...string, description: 'Its key.' },
        colour: { $ref: '#/components/schemas/Colour' },
        other: { anyOf: [{ ...string, enum: ['red', 'green'] }, { type: 'null' }] },
        at: { ...string, format: 'date-time' },
        since: { ...string, format: 'date-time' },
        late: string,
        good: { type: 'boolean' },
        figures: { type: 'object', additionalProperties: { type: 'number' } },
        parts: { type: 'array', items: { $ref: '#/components/schemas/Thing' } },
        pair: { type: 'array', prefixItems: [string, { type: 'number' }], minItems: 2, items: false },
        any: {},
        sum: string,
        kept: {
          type: 'object',
          properties: {
            id: { ...string, description: 'Its key.' },
            more: { type: 'boolean', const: true },
          },
          required: ['id', 'more'],
          additionalProperties: false,
        },
      },
      required: ['id', 'colour', 'other', 'at', 'good', 'figures', 'parts', 'pair', 'sum', 'kept'],
      additionalProperties: false,
    });
  });

  it.each([
    ['{ sum: bigint }', 'what ThingsController.one answers.sum is bigint, which JSON has no form for'],
    ['{ items: any[] }', 'what ThingsController.one answers.items[] is any: give it a type'],
    ['Map<string, number>', 'what ThingsController.one answers is Map<string, number>, which is not ours'],
    ['Thing[]', 'what ThingsController.one answers[]: Thing.say is a function, which JSON leaves out'],
  ])('stops at %s with a sentence', (type, sentence) => {
    const { exitCode, printed } = answersOf(answering(type, 'interface Thing { say: () => void }'));
    expect(exitCode).toBe(1);
    expect(printed).toContain(sentence);
  });

  it('tells types of one name apart by their folders', () => {
    const { answers } = answersOf({
      'src/cars/part.ts': 'export interface Part { readonly wheel: string }',
      'src/boats/part.ts': 'export interface Part { readonly sail: string }',
      ...answering(
        '{ car: Car; boat: Boat }',
        `import type { Part as Car } from './cars/part'; import type { Part as Boat } from './boats/part';`,
      ),
    });
    expect(Object.keys(answers.schemas)).toEqual(['BoatsPart', 'CarsPart', 'Problem']);
    expect(answers.routes['ThingsController.one'].schema.properties).toEqual({
      car: { $ref: '#/components/schemas/CarsPart' },
      boat: { $ref: '#/components/schemas/BoatsPart' },
    });
  });

  it('is by which errors their code may refuse, wherever it leads', () => {
    const { answers } = answersOf({
      'src/things.service.ts': `
        import { Away, Taken } from './errors';
        export abstract class Store { abstract keep(): void }
        export class FarStore extends Store { override keep(): void { if (Date.now() > 1) throw new Away() } }
        const check = (): void => { throw new Taken() };
        export class Things {
          constructor(private readonly store: Store) {}
          change(): void { [1].forEach(check); }
          keep(): void { this.store.keep(); }
        }`,
      'src/things.controller.ts': `
        import { Controller, CurrentUser, Get } from './nest';
        import { Things } from './things.service';
        @Controller()
        export class ThingsController {
          constructor(private readonly things: Things) {}
          /** Changes it. */
          @Get() change(@CurrentUser() user: string): void { this.things.change(); }
          @Get() keep(): void { this.things.keep(); }
          @Get() read(): string { return ''; }
        }`,
    });
    expect(answers.routes).toEqual({
      'ThingsController.change': {
        description: 'Changes it.',
        knowsUser: true,
        refusals: [{ kind: 'conflict', code: 'TAKEN' }],
      },
      'ThingsController.keep': { knowsUser: false, refusals: [{ kind: 'unavailable', code: 'AWAY' }] },
      'ThingsController.read': {
        mediaType: 'text/plain',
        schema: { type: 'string' },
        knowsUser: false,
        refusals: [],
      },
    });
  });
});
