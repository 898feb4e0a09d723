import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyDatabase } from './support/database';
import { documentSteps, type DocumentStep, type ShownCommand } from './support/document-blocks';
import { eventually } from './support/eventually';
import { ProjectCopy, type CommandResult } from './support/project-copy';
import { ADMIN, ServerProcess } from './support/server-process';
import { expectShown, withFindings, type Findings } from './support/shown-output';

/** Commands compile, start servers and fill databases, while other tests do the same. */
const PATIENCE_MS = 900_000;
const DOCUMENT = 'docs/extending.md';
const steps = documentSteps(readFileSync(join(__dirname, '..', DOCUMENT), 'utf8'));

/** What a step is called when it fails. */
const titleOf = (step: DocumentStep): string =>
  step.kind === 'command'
    ? `line ${step.line}: ${step.command}`
    : `line ${step.line}: ${step.kind === 'file' ? 'write' : 'change'} ${step.file}`;

/**
 * Follows the document from its first line to its last in a copy of this project and on a database of its own: writes
 * the files it shows, types its commands, and compares what they print. Then it takes the routes that came of it.
 */
describe('the text of docs/extending.md', () => {
  let project: ProjectCopy;
  let finished: ProjectCopy;
  let environment: Record<string, string>;
  let isFollowed = false;
  let linting: Promise<CommandResult>;
  const findings: Findings = new Map();

  beforeAll(async () => {
    project = new ProjectCopy();
    finished = new ProjectCopy();
    linting = lintWhatIsWritten();
    linting.catch(() => undefined); // thrown where the text comes to it
    const { ownerUrl, applicationUrl } = await emptyDatabase();
    environment = {
      DATABASE_URL: applicationUrl,
      DATABASE_MIGRATION_URL: ownerUrl,
      JWT_SECRET: 'a secret of tests only, 32 characters or more',
    };
  });
  afterAll(() => {
    project.remove();
    finished.remove();
  });

  async function follow(step: DocumentStep): Promise<void> {
    if (step.kind === 'command') return type(step);
    const [file, text] = [withFindings(step.file, findings), withFindings(step.text, findings)];
    project.apply({ ...step, file, text });
  }

  async function type(shown: ShownCommand): Promise<void> {
    const command = withFindings(shown.command, findings);
    const { printed, exitCode } = await (command === 'npm run lint'
      ? linting
      : project.run(command, environment));
    expectShown(shown.prints, printed, findings);
    expect(exitCode).toBe(shown.exitCode);
  }

  /**
   * `npm run lint` for the files that the document writes by hand: the others are linted where they come from. It takes
   * its time, so it has a copy of its own, in which they are all written at once.
   */
  async function lintWhatIsWritten(): Promise<CommandResult> {
    const blocks = steps.flatMap((step) =>
      step.kind === 'edit' || (step.kind === 'file' && !step.drafted) ? [step] : [],
    );
    for (const block of blocks) finished.apply(block);
    const files = [...new Set(blocks.map(({ file }) => file))].join(' ');
    const results = await Promise.all(
      [
        `node test/support/check-files.mjs ${files}`,
        `npx prettier --check --log-level warn ${files}`,
        'npx depcruise --config .dependency-cruiser.js --output-type err src/tariffs src/app.module.ts',
      ].map((command) => finished.run(command)),
    );
    return {
      printed: results.map(({ printed }) => printed).join(''),
      exitCode: Math.max(...results.map(({ exitCode }) => exitCode ?? 1)),
    };
  }

  it(
    'can be followed word by word',
    async () => {
      for (const step of steps) {
        try {
          await follow(step);
        } catch (error) {
          throw new Error(`${titleOf(step)}: ${(error as Error).message}`, { cause: error });
        }
      }
      isFollowed = true;
      expect(steps.length).toBeGreaterThan(0);
    },
    PATIENCE_MS,
  );

  describe('makes a server that', () => {
    let server: ServerProcess | undefined;
    let url: string;
    let admin: string;
    let supplier: string;
    let consumer: string;

    const ask = async (method: string, path: string, token?: string, body?: object) => {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const json = response.headers.get('content-type')?.includes('json') === true;
      return { status: response.status, body: (json ? await response.json() : await response.text()) as any };
    };
    const logsIn = async (identifier: string, password: string): Promise<string> =>
      (await ask('POST', '/api/auth/login', undefined, { identifier, password })).body.accessToken;
    const registers = async (username: string): Promise<string> => {
      const person = { email: `${username}@example.org`, username, password: ADMIN.password };
      return (await ask('POST', '/api/auth/register', undefined, person)).body.id;
    };
    const tariff = {
      name: 'Evening',
      zone: 'north',
      peakPricePerKwh: '6.5',
      offPeakPricePerKwh: '3.25',
      peakHours: { from: 9, until: 22 },
    };

    beforeAll(async () => {
      if (!isFollowed) throw new Error('There is none, since the text could not be followed');
      server = new ServerProcess(
        { ...environment, ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password },
        join(project.folder, 'dist/src/main.js'),
      );
      url = await server.ready();
      // A start waits a second for the cache: what is counted below is what it keeps.
      await eventually(
        () => ask('GET', '/health/ready'),
        ({ body }) => body.cache === 'up',
      );
      admin = await logsIn(ADMIN.email, ADMIN.password);
      const [id] = [await registers('supplier'), await registers('consumer')];
      const { body } = await ask('POST', '/api/organizations', admin, { name: 'Northern Light' });
      await ask('PATCH', `/api/users/${id}`, admin, { role: 'corporate' });
      await ask('PUT', `/api/users/${id}/organization`, admin, { organizationId: body.id });
      [supplier, consumer] = [
        await logsIn('supplier', ADMIN.password),
        await logsIn('consumer', ADMIN.password),
      ];
    }, PATIENCE_MS);
    afterAll(() => server?.stop());

    it('lets nobody in who has no right', async () => {
      const id = '01890000-0000-7000-8000-000000000000';
      expect((await ask('POST', '/api/tariffs', undefined, tariff)).status).toBe(401);
      expect((await ask('POST', '/api/tariffs', consumer, tariff)).status).toBe(403);
      expect((await ask('POST', `/api/tariffs/${id}/publish`, supplier)).status).toBe(403);
      expect((await ask('POST', `/api/tariffs/${id}/publish`, admin)).status).toBe(404);
      expect((await ask('GET', `/api/tariffs/${id}`, consumer)).status).toBe(404);
    });

    it('answers from the cache until something changes, and counts what it does', async () => {
      const list = async () => (await ask('GET', '/api/tariffs?zone=north')).body.items;
      expect(await list()).toEqual([]);
      const draft = await ask('POST', '/api/tariffs', supplier, tariff);
      expect(draft).toMatchObject({ status: 201, body: { peakPricePerKwh: '6.500000', status: 'draft' } });
      expect((await ask('GET', `/api/tariffs/${draft.body.id}`, consumer)).status).toBe(404);
      expect(await list()).toEqual([]);
      expect((await ask('POST', `/api/tariffs/${draft.body.id}/publish`, admin)).status).toBe(200);
      expect(await list()).toMatchObject([{ id: draft.body.id, name: 'Evening' }]);
      expect((await ask('GET', `/api/tariffs/${draft.body.id}`, consumer)).status).toBe(200);
      const { body: metrics } = await ask('GET', '/metrics');
      for (const line of [
        'cache_operations_total{prefix="tariffs:published",tier="memory",result="hit"} 1',
        'cache_operations_total{prefix="tariffs:published",tier="memory",result="miss"} 2',
        'database_operations_total{operation="insert",entity="tariffs"} 1',
        'tariffs_total{status="published"} 1',
      ])
        expect(metrics.split('\n')).toContain(line);
      expect(metrics).toContain(
        'http_request_duration_seconds_count{method="POST",route="/api/tariffs/:id/publish"',
      );
    });
  });
});
