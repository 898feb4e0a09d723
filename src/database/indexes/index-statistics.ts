import type { CatalogueIndex } from './index-catalogue';
import { compareIndexes, type IndexDifference } from './index-comparison';
import { readLiveTables, withPartitions, type LiveIndex } from './live-indexes';
import type { StatementRunner } from './statement-runner';

/** What is known of one index; a partitioned one is the sum of its parts. */
export interface IndexStatistics {
  readonly index: string;
  readonly table: string;
  /** Method and form in words: "btree, unique, partial". */
  readonly kind: string;
  /** "yes", or what is wrong: "missing", "INVALID", "other form", "lacks 2 partitions", "undeclared". */
  readonly valid: string;
  /** How often a plan began to read it since statistics were reset. */
  readonly idxScan: number;
  /** Entries that were read. */
  readonly idxTupRead: number;
  readonly bytes: number;
  /** The question it serves; none for one that no declaration knows. */
  readonly question: string | undefined;
}

/** The statistics of every declared index, in the order of the catalogue, and of those that nobody declared. */
export async function readIndexStatistics(
  runner: StatementRunner,
  catalogue: readonly CatalogueIndex[],
): Promise<IndexStatistics[]> {
  const differences = await compareIndexes(runner, catalogue);
  const tables = (await readLiveTables(runner)).flatMap(withPartitions);
  const live = new Map(tables.flatMap(({ indexes }) => indexes).map((index) => [index.name, index]));
  const ofDeclared = catalogue.map((index) => {
    const wrong = differences.filter((difference) => difference.index === index.name);
    return { ...figures(index, live.get(index.name)), valid: verdict(wrong), question: index.serves };
  });
  const undeclared = differences.flatMap(({ kind, index, table }) => {
    const found = live.get(index);
    if (kind !== 'undeclared' || found === undefined) return [];
    const valid = found.valid ? 'undeclared' : 'INVALID, undeclared';
    return [{ ...figures({ name: index, table }, found), valid, question: undefined }];
  });
  return [...ofDeclared, ...undeclared];
}

function figures(
  index: CatalogueIndex | { readonly name: string; readonly table: string },
  live: LiveIndex | undefined,
): Omit<IndexStatistics, 'valid' | 'question'> {
  return {
    index: index.name,
    table: index.table,
    kind: 'using' in index ? kindOf(index) : (/USING (\w+)/.exec(live?.form ?? '')?.[1] ?? ''),
    idxScan: live?.idxScan ?? 0,
    idxTupRead: live?.idxTupRead ?? 0,
    bytes: live?.bytes ?? 0,
  };
}

function kindOf({ using, unique, where, include, keys }: CatalogueIndex): string {
  const words = [
    ...(unique ? ['unique'] : []),
    ...(where === undefined ? [] : ['partial']),
    ...(include.length === 0 ? [] : ['covering']),
    ...(keys.some((key) => key.includes('(')) ? ['expression'] : []),
  ];
  return [using, ...words].join(', ');
}

function verdict(differences: readonly IndexDifference[]): string {
  const kinds = differences.map(({ kind }) => kind);
  if (kinds.includes('missing')) return 'missing';
  if (kinds.includes('differs')) return 'other form';
  const lacking = kinds.filter((kind) => kind === 'partition').length;
  if (lacking > 0) return `lacks ${lacking} ${lacking === 1 ? 'partition' : 'partitions'}`;
  return kinds.includes('invalid') ? 'INVALID' : 'yes';
}
