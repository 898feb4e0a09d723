import { formatCount, formatShare } from '../../common/figures';
import type { Finding, Report } from './report';

/** Transactions that can be told apart; before that PostgreSQL stops giving numbers (24.1.5 of its manual). */
const LIMIT = 2 ** 31;
/** An autovacuum is forced at its threshold; so much later it does not keep up, or something keeps it out. */
const OVERDUE = 1.1;
/** Half of the way: nothing but a vacuum that cannot do its work lets it come to that. */
const DANGER = 0.5;

interface Row {
  kind: 'database' | 'table';
  name: string;
  age: number;
  forcedAt: number;
  share: number;
  multixactAge: number;
  multixactForcedAt: number;
  multixactShare: number;
}

/** Tables of all schemas, with their TOAST: the oldest one holds the database back, and it may be PostgreSQL's own. */
const AGES = `
  WITH setting AS (
    SELECT current_setting('autovacuum_freeze_max_age')::int AS xids,
           current_setting('autovacuum_multixact_freeze_max_age')::int AS multixacts),
  aged AS (
    SELECT 'database' AS kind, datname::text AS name, age(datfrozenxid) AS age, xids AS "forcedAt",
           mxid_age(datminmxid) AS "multixactAge", multixacts AS "multixactForcedAt"
      FROM pg_database CROSS JOIN setting
    UNION ALL
    SELECT 'table', c.oid::regclass::text, greatest(age(c.relfrozenxid), age(t.relfrozenxid)),
           least(setting.xids, own.xids), greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid)),
           least(setting.multixacts, own.multixacts)
      FROM setting CROSS JOIN pg_class c
      LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
      LEFT JOIN LATERAL (
        SELECT max(option_value::int) FILTER (WHERE option_name = 'autovacuum_freeze_max_age') AS xids,
               max(option_value::int) FILTER (WHERE option_name = 'autovacuum_multixact_freeze_max_age') AS multixacts
          FROM pg_options_to_table(c.reloptions)) AS own ON true
     WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't')
  SELECT kind, name, age, "forcedAt", "multixactAge", "multixactForcedAt", age / $1::float8 AS share, "multixactAge" / $1::float8 AS "multixactShare" FROM aged
   ORDER BY kind, greatest(age::float8 / "forcedAt", "multixactAge"::float8 / "multixactForcedAt") DESC,
            name ~ '^(pg_|information_schema\\.)', name`;

/** How far transaction numbers are from running out. */
export const wraparound: Report<keyof Row> = {
  name: 'wraparound',
  title: 'How far transaction numbers are from wrapping around',
  meaning: `Each database and table by the age of its oldest transaction that is not frozen. At "forced at" autovacuum freezes it, even where it is off. At ${formatCount(LIMIT)} there are no numbers left: some millions before it PostgreSQL refuses every write.`,
  remedy:
    'VACUUM (FREEZE) what is overdue. If its age stays, something holds it back: a transaction (long-running), a prepared one, or a replication slot (replication).',
  columns: [
    { key: 'kind', title: 'kind', unit: 'text' },
    { key: 'name', title: 'name', unit: 'text' },
    { key: 'age', title: 'age', unit: 'count' },
    { key: 'forcedAt', title: 'forced at', unit: 'count' },
    { key: 'share', title: 'of the limit', unit: 'ratio' },
    { key: 'multixactAge', title: 'multixact age', unit: 'count' },
    { key: 'multixactForcedAt', title: 'forced at', unit: 'count' },
    { key: 'multixactShare', title: 'of the limit', unit: 'ratio' },
  ],
  async read(source) {
    const rows = await source.query<Row>(AGES, [LIMIT]);
    const databases = rows.filter(({ kind }) => kind === 'database');
    return {
      rows,
      findings: rows.flatMap((row) => findings(row)),
      summary: {
        limit: LIMIT,
        oldestTransactions: Math.max(0, ...databases.map(({ age }) => age)),
        oldestMultixacts: Math.max(0, ...databases.map(({ multixactAge }) => multixactAge)),
      },
    };
  },
};

function findings({ kind, name, ...row }: Row): Finding[] {
  const counters = [
    { of: 'transactions', age: row.age, forcedAt: row.forcedAt, share: row.share },
    {
      of: 'multixacts',
      age: row.multixactAge,
      forcedAt: row.multixactForcedAt,
      share: row.multixactShare,
    },
  ];
  return counters
    .filter(({ age, forcedAt, share }) => age >= OVERDUE * forcedAt || share >= DANGER)
    .map(({ of, age, forcedAt, share }) => ({
      severity: share >= DANGER ? 'critical' : 'warn',
      subject: name,
      detail: `the ${kind} is ${formatCount(age)} ${of} old, ${formatShare(share)} of the limit, and should have been frozen at ${formatCount(forcedAt)}`,
      remedy:
        kind === 'table'
          ? `VACUUM (FREEZE) ${name}; npm run db:report -- long-running and replication show what may hold it back`
          : `vacuum its oldest tables: npm run db:report -- wraparound, connected to ${name}, names them`,
    }));
}
