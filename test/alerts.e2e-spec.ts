import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp, type TestApp } from './support/app';
import { familyOf, filledIn, metricsOf } from './support/promql';

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
    expect(promtool('check', 'config', '--syntax-only', 'prometheus.yml')).toContain('SUCCESS');
    expect(expressionsOfRules).toHaveLength(namesOfAlerts.length + recorded.length);
  });

  it.each(['alerts.test.yml', 'alerts-days.test.yml'])(
    'fire when they should, and only then: %s',
    (file) => {
      expect(promtool('test', 'rules', file)).toContain('SUCCESS');
    },
    180_000,
  );

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
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  it('are exposed by the application or recorded by a rule', async () => {
    const exposed = allOf((await app.get('/metrics')).body as string, /^# HELP (\S+)/gm);
    const asked = new Set([...expressionsOfRules, ...expressionsOfDashboards].flatMap(metricsOf));
    expect(asked.size).toBeGreaterThan(30);
    const unknown = [...asked].filter((name) =>
      OWN.test(name)
        ? name !== 'up' && !recorded.includes(name)
        : !exposed.includes(familyOf(name)) && !exposed.includes(name),
    );
    expect(unknown).toEqual([]);
  });

  it('tell of markets that are halted, auctions apart', async () => {
    const halted = await startApp();
    await halted.patch('/api/trading/markets/solar', { as: halted.admin, body: { status: 'halted' } });
    const { body } = await halted.get('/metrics');
    await halted.close();
    expect(body).toContain('trading_markets{mechanism="continuous",status="halted"} 1\n');
    expect(body).toContain('trading_markets{mechanism="auction",status="halted"}');
  });
});
