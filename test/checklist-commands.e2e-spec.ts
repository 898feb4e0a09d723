import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordEvidence } from '../src/monitoring/checklist/evidence';
import { ADMIN, startApp, type TestApp } from './support/app';
import { asOwner } from './support/database';

const DIST = join(__dirname, '../dist');
const PROGRAMS = {
  doctor: join(DIST, 'src/monitoring/checklist/doctor.command.js'),
  'bench:http': join(DIST, 'bench/http.bench.js'),
  'bench:cache': join(DIST, 'bench/cache.bench.js'),
};

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a command as people do, on the database of an application. */
async function run(
  name: keyof typeof PROGRAMS,
  words: readonly string[],
  app: TestApp,
  variables: Record<string, string> = {},
): Promise<Ended> {
  if (!existsSync(PROGRAMS[name])) throw new Error('The commands are not built: npm run build makes dist');
  const child = spawn(process.execPath, [PROGRAMS[name], ...words], {
    cwd: tmpdir(), // where no .env is
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: app.urls.applicationUrl,
      DATABASE_MIGRATION_URL: app.urls.ownerUrl,
      JWT_SECRET: 'a secret of tests that is long enough',
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
      PORT: '1', // where no server is
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = { output: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (ended.output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.errors += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...ended };
}

describe('npm run doctor', () => {
  let app: TestApp;
  beforeAll(async () => (app = await startApp()));
  afterAll(() => app.close());

  it('judges without a server what it can, says which boxes need one, and exits with 1 while one fails', async () => {
    const { code, output, errors } = await run('doctor', [], app);

    expect(code).toBe(1);
    expect(errors).toContain('Judged without a server: no server answers at http://127.0.0.1:1');
    expect(output).toMatch(/pass .* Database indexes applied .* all \d+ declared indexes/);
    expect(output).toMatch(/fail .* Load testing performed .* none is recorded/);
    expect(output).toMatch(/warn .* Cache service configured .* only a running server can tell/);
    expect(output).toMatch(/What to do\nfail {2}Load testing performed: Run npm run bench:http/);
  });

  it('exits with 0 where no box fails', async () => {
    for (const [kind, source] of [
      ['load-test', 'bench:http'],
      ['benchmark', 'bench:cache'],
    ] as const)
      await recordEvidence(app.urls.ownerUrl, { kind, source, missed: [], figures: {} });
    // What the start has asked may have been slow on a machine that stood still meanwhile.
    await asOwner(
      app.urls,
      `SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()))`,
    );

    expect(await run('doctor', [], app)).toMatchObject({ code: 0 });
    await asOwner(app.urls, 'DELETE FROM performance_evidence');
  });

  it('asks a server that runs, and leaves no session behind', async () => {
    await asOwner(app.urls, 'DELETE FROM sessions WHERE user_id = $1', [app.admin.id]);
    const { output, code } = await run('doctor', ['--json', '--url', app.url], app);
    const answer = JSON.parse(output);

    expect(answer).toMatchObject({ ofServer: true, boxes: expect.any(Array) });
    expect(answer.boxes).toHaveLength(21);
    expect(JSON.stringify(answer)).not.toContain('only a running server');
    expect(code).toBe(answer.summary.fail > 0 ? 1 : 0);
    const open = await asOwner(app.urls, 'SELECT id FROM sessions WHERE user_id = $1', [app.admin.id]);
    expect(open).toEqual([]);
  });

  it('judges without a server that does not let it in', async () => {
    const words = ['--url', app.url];
    const { errors, output } = await run('doctor', words, app, { ADMIN_PASSWORD: 'not the password' });
    expect(errors).toContain('does not let ADMIN_EMAIL in (401)');
    expect(output).toContain('only a running server can tell');

    const unnamed = await run('doctor', words, app, { ADMIN_EMAIL: '', ADMIN_PASSWORD: '' });
    expect(unnamed.errors).toContain('ADMIN_EMAIL and ADMIN_PASSWORD are not set');
  });

  it('refuses what is no address', async () => {
    expect(await run('doctor', ['--url', 'somewhere'], app)).toMatchObject({
      code: 1,
      errors: expect.stringContaining('--url must be such as http://127.0.0.1:8080'),
    });
  });
});

describe('npm run bench:http', () => {
  let app: TestApp;
  afterEach(() => app.close());

  const recorded = () => asOwner(app.urls, 'SELECT kind FROM performance_evidence');

  it('measures a server that runs; what is shorter than the guide has it is no evidence', async () => {
    app = await startApp();
    const { code, output, errors } = await run(
      'bench:http',
      ['--url', app.url, '--seconds', '1', '--json'],
      app,
    );

    const { tests, missed } = JSON.parse(output);
    expect(tests).toMatchObject([
      { path: '/api/offers', connections: 10, requests: 1_000, errors: 0, statuses: { 200: 1_000 } },
      { path: '/api/users', connections: 100, errors: 0, statuses: { 200: expect.any(Number) } },
    ]);
    for (const { perSecond, latencyMs } of tests) {
      expect(perSecond).toBeGreaterThan(0);
      expect(latencyMs.p50).toBeGreaterThan(0);
      expect(latencyMs.max).toBeGreaterThanOrEqual(latencyMs.p99);
    }
    // A machine that is busy may be late; nothing else may be missed.
    expect(missed.filter((sentence: string) => !sentence.includes('97.5 %'))).toEqual([]);
    expect(code).toBe(missed.length > 0 ? 1 : 0);
    expect(errors).not.toContain('Recorded');
    expect(await recorded()).toEqual([]);
  });

  it('says when it has measured rate limits', async () => {
    app = await startApp({
      RATE_LIMIT_ENABLED: 'true',
      RATE_LIMIT_PUBLIC: '100',
      RATE_LIMIT_WINDOW_S: '600',
    });
    const { code, output, errors } = await run('bench:http', ['--url', app.url, '--seconds', '1'], app);

    expect(code).toBe(1);
    expect(output).toMatch(/GET \/api\/offers .* 900 × 429/);
    expect(errors).toMatch(/900 answers were 429, .*RATE_LIMIT_ENABLED=false/);
  });

  it('asks nothing where it may not, or where nobody answers', async () => {
    app = await startApp();

    expect(
      await run('bench:http', ['--url', app.url, '--no-record'], app, { ADMIN_EMAIL: '' }),
    ).toMatchObject({
      code: 1,
      errors: expect.stringContaining('Set ADMIN_EMAIL and ADMIN_PASSWORD'),
    });
    expect(await run('bench:http', ['--url', 'http://127.0.0.1:1', '--no-record'], app)).toMatchObject({
      code: 1,
      errors: expect.stringContaining('No server answers at http://127.0.0.1:1'),
    });
    await asOwner(app.urls, 'ALTER TABLE performance_evidence RENAME TO scratch');
    expect(await run('bench:http', ['--url', app.url], app)).toMatchObject({
      code: 1,
      errors: expect.stringContaining('npm run db:migrate'),
    });
  });

  it('lets no part of a benchmark be recorded as the whole', async () => {
    app = await startApp();

    expect(await run('bench:cache', ['--only', 'memory', '--record'], app)).toMatchObject({
      code: 1,
      errors: expect.stringContaining('leave --only out'),
    });
  });
});
