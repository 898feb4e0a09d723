import { formatCount } from '../../common/figures';
import { cancelAutovacuum, cancelStatement } from './backend-remedies';
import type { Finding, Report } from './report';
import type { ReportSource } from './report-source';
import { hiddenActivity } from './seen-activity';
import { vacuumNeeds, type VacuumNeed } from './vacuum-need';
import { runningUpkeep, type RunningUpkeep } from './vacuum-progress';

/** Autovacuum looks once in autovacuum_naptime; so far beyond its threshold it does not keep up. */
const OVERDUE = 2;

/** Vacuums that run, and tables that need one. */
export const vacuum: Report = {
  name: 'vacuum',
  title: 'Vacuum and analyze: what runs, and which tables need them',
  meaning:
    'First what runs just now, with how much of its phase is done. Then every table by how near it is to where autovacuum comes to it: dead rows, rows inserted since the last vacuum, and rows changed since the last analysis, each with its own threshold.',
  remedy:
    'Where tables stay overdue give autovacuum more to work with (autovacuum_max_workers, autovacuum_vacuum_cost_limit) or let it come earlier (ALTER TABLE … SET (autovacuum_vacuum_scale_factor = 0.02)). Dead rows that no vacuum removes are held by an old transaction: long-running.',
  columns: [
    { key: 'table', title: 'table', unit: 'text' },
    { key: 'state', title: 'state', unit: 'text' },
    { key: 'done', title: 'done', unit: 'ratio' },
    { key: 'running', title: 'running for', unit: 'milliseconds' },
    { key: 'nDeadTup', title: 'dead rows', unit: 'count' },
    { key: 'vacuumAt', title: 'vacuum at', unit: 'count' },
    { key: 'nInsSinceVacuum', title: 'inserted', unit: 'count' },
    { key: 'insertVacuumAt', title: 'vacuum at', unit: 'count' },
    { key: 'nModSinceAnalyze', title: 'changed', unit: 'count' },
    { key: 'analyzeAt', title: 'analyze at', unit: 'count' },
    { key: 'lastVacuum', title: 'vacuumed', unit: 'time' },
    { key: 'lastAutovacuum', title: 'autovacuumed', unit: 'time' },
    { key: 'lastAnalyze', title: 'analyzed', unit: 'time' },
    { key: 'lastAutoanalyze', title: 'autoanalyzed', unit: 'time' },
  ],
  async read(source) {
    const running = await runningUpkeep(source);
    const needs = (await vacuumNeeds(source)).toSorted((a, b) => urgency(b) - urgency(a));
    const off = await autovacuumOff(source);
    return {
      rows: [...running.map(runningRow), ...needs.map(needRow)],
      findings: [...off, ...running.map(runs), ...needs.flatMap((need) => overdue(need, off.length > 0))],
      notes: await hiddenActivity(source),
      summary: { running: running.length, due: needs.filter((need) => urgency(need) >= 1).length },
    };
  },
};

const dead = ({ nDeadTup, vacuumAt }: VacuumNeed): number => nDeadTup / Math.max(1, vacuumAt);
const inserted = ({ nInsSinceVacuum, insertVacuumAt: at }: VacuumNeed): number =>
  at === null ? 0 : nInsSinceVacuum / Math.max(1, at);
const changed = ({ nModSinceAnalyze, analyzeAt }: VacuumNeed): number =>
  nModSinceAnalyze / Math.max(1, analyzeAt);
/** 1 where autovacuum comes to the table. */
const urgency = (need: VacuumNeed): number => Math.max(dead(need), inserted(need), changed(need));

const runningRow = ({ pid, table, command, phase, done, runningMs }: RunningUpkeep) => ({
  table,
  state: `${command} by ${pid}: ${phase}`,
  done,
  running: runningMs,
  nDeadTup: null,
  vacuumAt: null,
  nInsSinceVacuum: null,
  insertVacuumAt: null,
  nModSinceAnalyze: null,
  analyzeAt: null,
  lastVacuum: null,
  lastAutovacuum: null,
  lastAnalyze: null,
  lastAutoanalyze: null,
});

function needRow(need: VacuumNeed) {
  const { enabled, lastVacuum, lastAutovacuum, lastAnalyze, lastAutoanalyze, ...figures } = need;
  return {
    ...figures,
    state: stateOf(need, enabled),
    done: null,
    running: null,
    lastVacuum: lastVacuum?.toISOString() ?? null,
    lastAutovacuum: lastAutovacuum?.toISOString() ?? null,
    lastAnalyze: lastAnalyze?.toISOString() ?? null,
    lastAutoanalyze: lastAutoanalyze?.toISOString() ?? null,
  };
}

function stateOf(need: VacuumNeed, enabled: boolean): string {
  const due = [
    ...(Math.max(dead(need), inserted(need)) >= 1 ? ['vacuum'] : []),
    ...(changed(need) >= 1 ? ['analyze'] : []),
  ];
  const words = due.length === 0 ? 'nothing due' : `${due.join(' and ')} due`;
  return enabled ? words : `${words}, autovacuum off`;
}

async function autovacuumOff(source: ReportSource): Promise<Finding[]> {
  const off = await source.query<{ name: string }>(
    `SELECT name FROM pg_settings WHERE name IN ('autovacuum', 'track_counts') AND setting = 'off' ORDER BY name`,
  );
  return off.map(({ name }) => ({
    severity: 'critical',
    subject: name,
    detail: 'it is off, so no table is vacuumed or analyzed by itself',
    remedy: `ALTER SYSTEM SET ${name} = on, then SELECT pg_reload_conf()`,
  }));
}

const runs = ({ pid, table, command, phase }: RunningUpkeep): Finding => ({
  severity: 'info',
  subject: table,
  detail: `${command} runs in session ${pid}: ${phase}`,
  remedy: `Let it finish; ${command.startsWith('auto') ? cancelAutovacuum(pid) : cancelStatement(pid)}`,
});

/** What is due a little is autovacuum's next work; who is left alone by it needs somebody. */
function overdue(need: VacuumNeed, isOff: boolean): Finding[] {
  const { table, enabled, nDeadTup, vacuumAt, nInsSinceVacuum, insertVacuumAt, nModSinceAnalyze, analyzeAt } =
    need;
  const found: [share: number, detail: string, command: string][] = [
    [dead(need), `${formatCount(nDeadTup)} dead rows, vacuumed at ${shown(vacuumAt)}`, 'VACUUM (ANALYZE)'],
    [
      inserted(need),
      `${formatCount(nInsSinceVacuum)} rows inserted since the last vacuum, vacuumed at ${shown(insertVacuumAt ?? 0)}`,
      'VACUUM (ANALYZE)',
    ],
    [
      changed(need),
      `${formatCount(nModSinceAnalyze)} rows changed since the last analysis, analyzed at ${shown(analyzeAt)}`,
      'ANALYZE',
    ],
  ];
  const due = found.filter(([share]) => share >= 1);
  const [first] = due;
  if (first === undefined) return [];
  const alone = isOff || !enabled;
  const isLate = due.some(([share]) => share >= OVERDUE);
  return [
    {
      severity: alone || isLate ? 'warn' : 'info',
      subject: table,
      detail: `${due.map(([, detail]) => detail).join('; ')}${alone ? ', and autovacuum is off for it' : ''}`,
      remedy: enabled
        ? `${first[2]} ${table}`
        : `${first[2]} ${table}; ALTER TABLE ${table} RESET (autovacuum_enabled)`,
    },
  ];
}

const shown = (threshold: number): string => formatCount(Math.round(threshold));
