import { formatBytes } from '../../common/figures';
import { withPartitions, type LiveIndex, type LiveTable } from '../../database/indexes/live-indexes';
import { dropping, readLiveIndexes, type LiveIndexes } from './index-facts';
import { redundancies, type ComparedIndex, type Redundancy } from './index-redundancy';
import type { Finding, Report } from './report';

interface Row {
  table: string;
  index: string;
  definition: string;
  kind: string;
  coveredBy: string;
  coveringDefinition: string;
  bytes: number;
  idxScan: number;
}

/** An index of a table, ready to be compared. */
interface Candidate extends ComparedIndex {
  readonly live: LiveIndex;
}

type Found = Redundancy<Candidate> & { readonly table: LiveTable };

/** Indexes that another one of the same table makes superfluous. */
export const indexesDuplicate: Report<keyof Row> = {
  name: 'indexes/duplicate',
  title: 'Indexes that another one makes superfluous',
  meaning:
    '"duplicate": another index has the same keys; "prefix": the keys are the leading ones of another, with the same operator classes and the same predicate. Writers keep both up to date, and readers need one.',
  remedy:
    'Drop the one that is named. A prefix may stay where it is much smaller than the other and read very often.',
  columns: [
    { key: 'table', title: 'table', unit: 'text' },
    { key: 'index', title: 'index', unit: 'text' },
    { key: 'definition', title: 'of', unit: 'text' },
    { key: 'kind', title: 'kind', unit: 'text' },
    { key: 'coveredBy', title: 'covered by', unit: 'text' },
    { key: 'coveringDefinition', title: 'of', unit: 'text' },
    { key: 'bytes', title: 'size', unit: 'bytes' },
    { key: 'idxScan', title: 'scans', unit: 'count' },
  ],
  async read(source) {
    const declared = new Set(source.catalogue.map(({ name }) => name));
    const live = await readLiveIndexes(source);
    const found = superfluous(live, declared);
    return {
      rows: found.map(({ table, redundant, coveredBy, kind }) => ({
        table: table.name,
        index: redundant.name,
        definition: redundant.live.form,
        kind,
        coveredBy: coveredBy.name,
        coveringDefinition: coveredBy.live.form,
        bytes: redundant.live.bytes,
        idxScan: redundant.live.idxScan,
      })),
      findings: found.map(findingOf),
      notes: live.notes,
      summary: { bytes: found.reduce((sum, { redundant }) => sum + redundant.live.bytes, 0) },
    };
  },
};

function superfluous({ tables, facts }: LiveIndexes, declared: ReadonlySet<string>): Found[] {
  return tables
    .flatMap(withPartitions)
    .flatMap((table) => {
      const candidates = table.indexes.flatMap((live) => {
        const known = facts.get(live.oid);
        if (known === undefined || !live.valid) return [];
        const { name, unique, constraint, attachedTo } = live;
        // A part of another index is asked for by whatever asks for the whole.
        return [
          {
            ...known,
            name,
            unique,
            constraint,
            declared: declared.has(name) || attachedTo !== undefined,
            live,
          },
        ];
      });
      return redundancies<Candidate>(candidates).map((redundancy) => ({ ...redundancy, table }));
    })
    .filter(({ redundant }) => redundant.live.attachedTo === undefined)
    .sort((a, b) => b.redundant.live.bytes - a.redundant.live.bytes);
}

function findingOf({ table, redundant, coveredBy, kind }: Found): Finding {
  const { live, constraint, declared } = redundant;
  return {
    severity: kind === 'duplicate' ? 'warn' : 'info',
    subject: redundant.name,
    detail: `on ${table.name} (${formatBytes(live.bytes)}) ${
      kind === 'duplicate'
        ? `has the same keys as ${coveredBy.name}`
        : `has keys that ${coveredBy.name} begins with`
    }`,
    remedy: remedyOf(table, live, constraint, declared),
  };
}

function remedyOf(
  table: LiveTable,
  live: LiveIndex,
  constraint: string | undefined,
  declared: boolean,
): string {
  if (constraint !== undefined)
    return `Take the constraint ${constraint} of ${table.sql} away by a migration`;
  if (declared) return 'Take its declaration away and let npm run db:generate draft the migration';
  return dropping(live);
}
