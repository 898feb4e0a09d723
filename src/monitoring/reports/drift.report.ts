import { compareIndexes, type IndexDifference } from '../../database/indexes/index-comparison';
import { readLockedTables } from '../../database/indexes/live-indexes';
import type { MigrationState, MigrationStatus } from '../../database/schema/migration-states';
import { notesOnLocked } from './index-facts';
import type { Finding, Report, Severity } from './report';

interface Row {
  kind: 'index' | 'migration';
  name: string;
  table: string | null;
  state: string;
  declared: string | null;
  live: string | null;
}

interface Mend {
  readonly severity: Severity;
  readonly remedy: string;
}

const INDEXES = 'npm run db:indexes builds and mends declared indexes while everybody works';
const INDEX_MENDS: Record<IndexDifference['kind'], Mend> = {
  missing: { severity: 'warn', remedy: INDEXES },
  invalid: { severity: 'warn', remedy: INDEXES },
  differs: { severity: 'warn', remedy: INDEXES },
  partition: { severity: 'warn', remedy: INDEXES },
  undeclared: {
    severity: 'info',
    remedy: 'DROP INDEX CONCURRENTLY it, or declare it with @PerformanceIndex on its entity',
  },
};

const MIGRATION_MENDS: Record<Exclude<MigrationState, 'applied'>, Mend & { readonly detail: string }> = {
  pending: { severity: 'warn', detail: 'is not applied', remedy: 'npm run db:migrate' },
  changed: {
    severity: 'critical',
    detail: 'is no longer what was applied, so no server starts',
    remedy: 'put its file back as it was, and make the change in a new migration',
  },
  unknown: {
    severity: 'critical',
    detail: 'was applied by a newer version, so no server of this one starts',
    remedy: 'start that version, or take the migration back with it by npm run db:undo',
  },
};

/** Where the database is not what the code says it is. */
export const drift: Report<keyof Row> = {
  name: 'drift',
  title: 'Where the database is not what the code declares',
  meaning:
    'Indexes of the catalogue against those of the database, both ways and partitions included, and migrations that are not applied as they stand in the code. Empty is well.',
  remedy:
    'Bring the database to the code (db:migrate, db:indexes) or the code to the database. npm run db:validate compares columns, types and constraints too.',
  columns: [
    { key: 'kind', title: 'kind', unit: 'text' },
    { key: 'name', title: 'name', unit: 'text' },
    { key: 'table', title: 'table', unit: 'text' },
    { key: 'state', title: 'state', unit: 'text' },
    { key: 'declared', title: 'declared', unit: 'text' },
    { key: 'live', title: 'there', unit: 'text' },
  ],
  async read(source) {
    const states = await source.migrations();
    const locked = await readLockedTables(source);
    const indexes = await source.session((session) =>
      compareIndexes(session, source.catalogue, undefined, locked),
    );
    const unseen = new Set(locked.map(({ name }) => name));
    const migrations = states.flatMap(ofMigration);
    return {
      rows: [...migrations.map(({ row }) => row), ...indexes.map(indexRow)],
      findings: [...migrations.map(({ finding }) => finding), ...indexes.map(indexFinding)],
      notes: notesOnLocked(locked),
      summary: {
        indexes: source.catalogue.filter(({ table }) => !unseen.has(table)).length,
        migrations: states.length,
        differences: migrations.length + indexes.length,
      },
    };
  },
};

const indexRow = ({ index, table, kind, declared, live }: IndexDifference): Row => ({
  kind: 'index',
  name: index,
  table,
  state: kind,
  declared: declared ?? null,
  live: live ?? null,
});

const indexFinding = ({ kind, index, message }: IndexDifference): Finding => ({
  ...INDEX_MENDS[kind],
  subject: index,
  detail: message,
});

function ofMigration({ title, state }: MigrationStatus): { row: Row; finding: Finding }[] {
  if (state === 'applied') return [];
  const { severity, detail, remedy } = MIGRATION_MENDS[state];
  return [
    {
      row: { kind: 'migration', name: title, table: null, state, declared: null, live: null },
      finding: { severity, subject: title, detail: `the migration ${detail}`, remedy },
    },
  ];
}
