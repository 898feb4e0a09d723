import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { register } from 'prom-client';
import { CacheService } from '../src/cache/cache.service';
import { startApp, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { eventually, until } from './support/eventually';
import {
  familyOf,
  filledIn,
  fits,
  groupingsOf,
  labelsIn,
  matchersOf,
  metricsOf,
  type Matcher,
} from './support/promql';

const ROOT = join(__dirname, '..');
const MONITORING = join(ROOT, 'monitoring');
const DASHBOARDS = join(MONITORING, 'grafana/dashboards');
/** Prometheus's own, and what the rules record. */
const OWN = /^up$|:/;

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const alerts = read('monitoring/alerts.yml');
const allOf = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found]) => found as string);

const namesOfAlerts = allOf(alerts, /- alert: (\w+)/g);
const recorded = allOf(alerts, /- record: (\S+)/g);
/** A rule that records passes on the labels of what it asks for. */
const recordedFrom = new Map(
  [...alerts.matchAll(/- record: (\S+)\n\s+expr: >-\n((?: {10}.+\n)+)/g)].map(
    ([, name = '', expression = '']) => [name, metricsOf(expression)] as const,
  ),
);
/** Folded texts, each up to the next key. */
const expressionsOfRules = allOf(alerts, /expr: >-\n((?: {10}.+\n)+)/g);

interface Dashboard {
  readonly uid: string;
  readonly panels: { readonly title: string; readonly targets: { readonly expr: string }[] }[];
}
const dashboards = readdirSync(DASHBOARDS).map((file) => ({
  file,
  dashboard: JSON.parse(readFileSync(join(DASHBOARDS, file), 'utf8')) as Dashboard,
}));
const expressionsOfDashboards = dashboards.flatMap(({ dashboard }) =>
  dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
);

const promtool = (...parameters: string[]): string =>
  execFileSync('promtool', parameters, { cwd: MONITORING, encoding: 'utf8', stdio: 'pipe' });

describe('alerts', () => {
  it('are rules that Prometheus takes, as it takes its configuration', () => {
    expect(promtool('check', 'rules', '--lint=all', '--lint-fatal', 'alerts.yml')).toContain('SUCCESS');
    expect(promtool('check', 'config', 'prometheus.yml')).toContain('SUCCESS: prometheus.yml is valid');
    expect(expressionsOfRules).toHaveLength(namesOfAlerts.length + recorded.length);
  });

  it.each(['alerts.test.yml', 'alerts-days.test.yml'])('fire when they should, and only then: %s', (file) => {
    expect(promtool('test', 'rules', file)).toContain('SUCCESS');
  });

  it.each(namesOfAlerts)('%s is made to fire by a test', (name) => {
    const tests = read('monitoring/alerts.test.yml') + read('monitoring/alerts-days.test.yml');
    expect(tests).toMatch(new RegExp(`labels: '\\{alertname="${name}"\\}', value: 1`));
  });

  it('say what happened and how bad it is, and lead to a chapter of the operations guide', () => {
    const anchors = allOf(read('docs/operations.md'), /^#+ (.+)$/gm).map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    );
    for (const rule of alerts.split('- alert: ').slice(1)) {
      expect(rule).toMatch(/severity: (page|ticket)\n/);
      expect(rule).toMatch(/summary: .+\n/);
      expect(rule).toMatch(/description: >-\n {12}.+\n/);
      expect(anchors).toContain(/runbook_url: docs\/operations\.md#(\S+)/.exec(rule)?.[1]);
    }
    for (const name of namesOfAlerts) expect(read('docs/operations.md')).toContain(`\`${name}\``);
  });
});

describe('the token that Prometheus reads metrics with', () => {
  it('is where its configuration looks for it: the real one in the container, none in the repository', () => {
    const [file] = allOf(read('monitoring/prometheus.yml'), /credentials_file: (\S+)/g);
    const compose = read('docker-compose.yml');
    const [configuration] = allOf(compose, /--config\.file=(\S+)/g);
    const given = `- source: metrics-token\n        target: ${join(dirname(configuration as string), file as string)} `;
    expect(compose).toContain(given);
    expect(compose).toContain('secrets:\n  metrics-token:\n    environment: METRICS_TOKEN\n');
    expect(read(`monitoring/${file}`)).toMatch(/^placeholder:\S+\n$/);
  });
});

describe('dashboards', () => {
  it('ask what Prometheus can answer', () => {
    const folder = mkdtempSync(join(tmpdir(), 'gridtokenx-dashboards-'));
    const rules = expressionsOfDashboards.map((expr, number) => ({
      record: `panel:${number}`,
      expr: filledIn(expr),
    }));
    const file = join(folder, 'panels.yml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
    expect(promtool('check', 'rules', '--lint=none', file)).toContain(`SUCCESS: ${rules.length} rules`);
    rmSync(folder, { recursive: true });
  });

  it('are found by what docker compose starts', () => {
    expect(new Set(dashboards.map(({ dashboard }) => dashboard.uid)).size).toBe(dashboards.length);
    const compose = read('docker-compose.yml');
    const mounted = allOf(compose, /- (\.\/\S+?):/g);
    expect(mounted).toContain('./monitoring/grafana/dashboards');
    expect(mounted.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(compose).toContain('/etc/grafana/dashboards:ro');
    expect(read('monitoring/grafana/provisioning/dashboards/gridtokenx.yml')).toContain(
      'path: /etc/grafana/dashboards',
    );
  });
});

describe('metrics that alerts and dashboards ask for', () => {
  const expressions = [...expressionsOfRules, ...expressionsOfDashboards].map(filledIn);
  let app: TestApp;
  let text: string;
  let exposed: ReturnType<typeof labelsIn>;
  beforeAll(async () => {
    app = await startApp();
    await makeHappen(app);
    await app.get('/metrics'); // which is a request that the next one tells
    // A scrape waits a second for the first reading of figures, and no longer.
    text = await eventually(
      async () => (await app.get('/metrics')).body as string,
      (told) => !/^database_figures_timestamp_seconds\{.*\} 0$/m.test(told),
    );
    exposed = labelsIn(text);
  });
  afterAll(() => app.close());

  it('are exposed by the application or recorded by a rule', () => {
    const named = allOf(text, /^# HELP (\S+)/gm);
    const asked = new Set(expressions.flatMap(metricsOf));
    expect(asked.size).toBeGreaterThan(30);
    const unknown = [...asked].filter((name) =>
      OWN.test(name)
        ? name !== 'up' && !recorded.includes(name)
        : !named.includes(familyOf(name)) && !named.includes(name),
    );
    expect(unknown).toEqual([]);
  });

  it('have the labels that they are asked by, with such values', () => {
    const asked = expressions.flatMap(matchersOf);
    expect(asked.length).toBeGreaterThan(40);
    const jobs = allOf(read('monitoring/prometheus.yml'), /job_name: (\S+)/g);
    const valuesOf = ({ metric, label }: Matcher): readonly (string | undefined)[] =>
      label === 'job'
        ? jobs
        : (recordedFrom.get(metric) ?? [metric]).flatMap((name) =>
            (exposed.get(name) ?? []).map((labels) => labels[label]),
          );
    const missing = asked.filter(
      (matcher) => !valuesOf(matcher).some((value) => value !== undefined && fits(matcher, value)),
    );
    expect(missing).toEqual([]);
  });

  it('have the labels that they are summed up and joined by', () => {
    const missing = expressions.flatMap((expression) => {
      const labels = new Set([...OF_TARGETS, ...metricsOf(expression).flatMap(labelsOf)]);
      return groupingsOf(expression)
        .filter((label) => !labels.has(label))
        .map((label) => `${label} of ${expression}`);
    });
    expect(missing).toEqual([]);
  });

  it('tell of markets that are halted, auctions apart', () => {
    const markets = exposed.get('trading_markets');
    expect(markets).toContainEqual({ mechanism: 'continuous', status: 'halted' });
    expect(markets).toContainEqual({ mechanism: 'auction', status: 'halted' });
  });

  /** By the declaration: some are counted only when something goes wrong. */
  function labelsOf(metric: string): readonly string[] {
    const declared = register.getSingleMetric(metric) ?? register.getSingleMetric(familyOf(metric));
    const { labelNames = [] } = (declared ?? {}) as { labelNames?: readonly string[] };
    return metric.endsWith('_bucket') ? [...labelNames, 'le'] : labelNames;
  }
});

/** What Prometheus adds to every series of a process. */
const OF_TARGETS = ['instance', 'job'];

/** Once each of what alerts and dashboards tell apart. */
async function makeHappen(app: TestApp): Promise<void> {
  await app.patch('/api/trading/markets/solar', { as: app.admin, body: { status: 'halted' } });
  await app.get('/who/knows');
  await app.get('/health/live');
  await app.post('/api/meters/readings');
  const owner = new Client({ connectionString: app.urls.ownerUrl });
  await owner.connect();
  await owner.query('BEGIN; LOCK TABLE trades');
  const refused = app.get('/api/trading/trades');
  const cancel = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  await until(async () => (await asOwner(app.urls, cancel)).length > 0);
  expect((await refused).status).toBe(503);
  await owner.query('ROLLBACK');
  await app.registers(); // somebody a mail is sent to, which is a job
  const failed = `UPDATE pgboss.job SET state = 'failed' WHERE state = 'completed' RETURNING 1`;
  await until(async () => (await owner.query(failed)).rowCount !== 0);
  await owner.end();
  await app.get('/api/offers');
  for (const counts of app.nest.get(CacheService).statistics.all()) {
    counts.tooLarge++;
    for (const what of ['hits', 'misses', 'stale', 'errors', 'evictions'] as const) counts.memory[what]++;
  }
}
