import { formatBytes } from '../../common/figures';
import { rowsOf } from '../../database/indexes/statement-runner';
import type { Finding, Report } from './report';
import type { ReportSource } from './report-source';
import { ELSEWHERE, serverMachine } from './server-machine';
import { ADVICE, LOOKED_AT, type Advice, type Setting, type Verdict } from './settings-advice';

interface Found {
  readonly name: string;
  readonly setting: string;
  readonly unit: string | null;
  readonly shown: string;
  readonly source: string;
  readonly context: string;
  readonly pending_restart: boolean;
}

interface Row {
  setting: string;
  current: string;
  unit: string | null;
  source: string;
  advice: string | null;
  verdict: 'well' | 'change' | 'not known here';
  why: string;
}

const SETTINGS = `
  SELECT name, setting, unit, current_setting(name) AS shown, source, context, pending_restart
    FROM pg_settings WHERE name = ANY ($1)`;
/** Settings that roles have of their own. Their values matter for those roles alone. */
const OF_ROLES = `
  SELECT DISTINCT s.setrole::regrole::text AS role, split_part(c, '=', 1) AS name
    FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) AS c
   WHERE s.setrole <> 0 AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
     AND split_part(c, '=', 1) = ANY ($1) ORDER BY 1, 2`;
const CHECKPOINTER_SINCE = 170_000;
const BYTES: Readonly<Record<string, number>> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 };

/** Settings against what this machine and this application need. */
export const settings: Report<keyof Row> = {
  name: 'settings',
  title: 'Settings of PostgreSQL, with advice for its machine and this application',
  meaning:
    'What a new session of the owner gets, where it comes from, and what it should be. Sizes take the machine to be PostgreSQL’s own.',
  remedy:
    'Change one setting at a time and look at slow-queries and cache-hit-ratio afterwards. Where other programs share the machine take less of its memory.',
  columns: [
    { key: 'setting', title: 'setting', unit: 'text' },
    { key: 'current', title: 'is', unit: 'text' },
    { key: 'unit', title: 'unit', unit: 'text' },
    { key: 'source', title: 'set by', unit: 'text' },
    { key: 'advice', title: 'advice', unit: 'text' },
    { key: 'verdict', title: 'verdict', unit: 'text' },
    { key: 'why', title: 'why', unit: 'text' },
  ],
  async read(source) {
    const found = await readSettings(source);
    const machine = await serverMachine(source);
    const checkpoints = await readCheckpoints(source);
    const circumstances = { machine, checkpoints, setting: (name: string) => asSetting(known(found, name)) };
    const judged = ADVICE.map((advice) => ({
      advice,
      setting: known(found, advice.name),
      verdict: advice.judge(circumstances),
    }));
    const statements = await statementStatistics(source, found.get('shared_preload_libraries')?.shown);
    return {
      rows: [...judged.map(row), statements.row],
      findings: [
        ...judged.flatMap(finding),
        ...statements.findings,
        ...[...found.values()].flatMap(waitsForRestart),
      ],
      notes: [
        ...(machine === undefined ? [`${ELSEWHERE}: sizes are not judged`] : []),
        ...(await ofRoles(source)),
      ],
      summary: {
        cores: machine?.cores ?? null,
        memory: machine === undefined ? null : formatBytes(machine.memory),
      },
    };
  },
};

type Judged = { advice: Advice; setting: Found; verdict: Verdict | undefined };

function row({ advice, setting, verdict }: Judged): Row {
  return {
    setting: setting.name,
    current: setting.shown,
    unit: setting.unit,
    source: setting.source,
    advice: verdict?.advice ?? null,
    verdict: verdict === undefined ? 'not known here' : verdict.severity === undefined ? 'well' : 'change',
    why: advice.why,
  };
}

function finding({ advice, setting, verdict }: Judged): Finding[] {
  if (verdict?.severity === undefined) return [];
  return [
    {
      severity: verdict.severity,
      subject: setting.name,
      detail: `it is ${setting.shown} and should be ${verdict.advice}: ${advice.why}`,
      remedy: remedyFor(setting, verdict.advice),
    },
  ];
}

/** What is set nearer to the session wins over the server's own files. */
function remedyFor({ name, source, context }: Found, advice: string): string {
  if (source === 'database') return `ALTER DATABASE … RESET ${name}, or SET it to '${advice}' there`;
  if (source.includes('user')) return `ALTER ROLE … RESET ${name}, or SET it to '${advice}' there`;
  if (source === 'command line' || source === 'environment variable')
    return `start PostgreSQL with ${name} = ${advice} on its command line, or without it there`;
  const then = context === 'postmaster' ? 'restart PostgreSQL' : 'SELECT pg_reload_conf()';
  return `ALTER SYSTEM SET ${name} = '${advice}', then ${then}`;
}

const waitsForRestart = ({ name, pending_restart: pending }: Found): Finding[] =>
  pending
    ? [
        {
          severity: 'info',
          subject: name,
          detail: 'its value was changed in the configuration and waits for a restart',
          remedy: 'Restart PostgreSQL when nobody minds',
        },
      ]
    : [];

/** In a session without limits of ours, so that those of the server are seen. */
async function readSettings(source: ReportSource): Promise<Map<string, Found>> {
  const names = [...ADVICE.map(({ name }) => name), ...LOOKED_AT];
  const rows = await source.session(async (session) => {
    await session.query('RESET statement_timeout');
    return rowsOf<Found>(session, SETTINGS, [names]);
  });
  return new Map(rows.map((setting) => [setting.name, setting]));
}

function known(found: ReadonlyMap<string, Found>, name: string): Found {
  const setting = found.get(name);
  if (setting === undefined) throw new Error(`PostgreSQL has no setting ${name}`);
  return setting;
}

function asSetting({ name, shown, setting, unit }: Found): Setting {
  const [, count = '', word = ''] = /^(\d*)(\w*)$/.exec(unit ?? '') ?? [];
  const factor = Number(count === '' ? 1 : count) * (BYTES[word] ?? MILLISECONDS[word] ?? 1);
  return { name, shown, amount: Number(setting) * factor };
}

async function readCheckpoints(source: ReportSource): Promise<{ timed: number; requested: number }> {
  const [counts] = await source.query<{ timed: number; requested: number }>(
    source.serverVersion >= CHECKPOINTER_SINCE
      ? 'SELECT num_timed::float8 AS timed, num_requested::float8 AS requested FROM pg_stat_checkpointer'
      : 'SELECT checkpoints_timed::float8 AS timed, checkpoints_req::float8 AS requested FROM pg_stat_bgwriter',
  );
  return counts ?? { timed: 0, requested: 0 };
}

/** @param libraries undefined where this role may not read them; the module's own settings tell all the same */
async function statementStatistics(
  source: ReportSource,
  libraries: string | undefined,
): Promise<{ row: Row; findings: Finding[] }> {
  const name = 'pg_stat_statements';
  const loaded =
    (await source.query(`SELECT FROM pg_settings WHERE name = 'pg_stat_statements.max'`)).length > 0;
  const created = (await source.extension(name)) !== undefined;
  const isWell = loaded && created;
  const current = loaded ? (created ? 'loaded and created' : 'loaded, not created') : 'not loaded';
  const why = 'slow-queries and index advice are made of it';
  return {
    row: {
      setting: name,
      current,
      unit: null,
      source: 'shared_preload_libraries',
      advice: 'loaded and created',
      verdict: isWell ? 'well' : 'change',
      why,
    },
    findings: isWell
      ? []
      : [
          {
            severity: 'warn',
            subject: name,
            detail: `it is ${current}: ${why}`,
            remedy: loaded
              ? `CREATE EXTENSION ${name}`
              : `${loadToo(name, libraries)}, restart PostgreSQL, then CREATE EXTENSION IF NOT EXISTS ${name}`,
          },
        ],
  };
}

/** Each library in quotes of its own: PostgreSQL takes one text for the name of one library. */
function loadToo(name: string, libraries: string | undefined): string {
  if (libraries === undefined) return `add ${name} to shared_preload_libraries`;
  const loaded = libraries.split(',').map((library) => library.trim());
  const all = [...loaded.filter((library) => library !== ''), name].map((library) => `'${library}'`);
  return `ALTER SYSTEM SET shared_preload_libraries = ${all.join(', ')}`;
}

async function ofRoles(source: ReportSource): Promise<string[]> {
  const own = await source.query<{ role: string; name: string }>(OF_ROLES, [ADVICE.map(({ name }) => name)]);
  return own.map(({ role, name }) => `the role ${role} has a ${name} of its own (ALTER ROLE … SET)`);
}
