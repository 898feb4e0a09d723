import type { CatalogueIndex } from '../../src/database/indexes/index-catalogue';
import type { Answer, PlanMode } from './ask';
import { accessOf, scansOf } from './plan';
import type { WriteCost } from './write-cost';

/** What was found out about one index. */
export interface Evidence {
  readonly index: CatalogueIndex;
  /** The names that it has in plans: its own, and those of its parts on partitions. */
  readonly names: ReadonlySet<string>;
  /** The values that its question was asked with; undefined when no row of the table fits. */
  readonly values: readonly string[] | undefined;
  readonly withIt: ReadonlyMap<PlanMode, Answer>;
  /** With the index dropped and all others in place. */
  readonly without: ReadonlyMap<PlanMode, Answer>;
  /** The index that makes this one superfluous. */
  readonly repeatedBy: string | undefined;
  /** Bytes. */
  readonly size: number;
  readonly writeCost: WriteCost | undefined;
}

/** An index must save this part of the pages that its question takes without it. */
const LEAST_SAVING = 0.5;

/**
 * Why an index is not proven, in sentences; none when it is. A unique index that is none of the named ones need not save
 * anything: it is there to refuse the second of two.
 */
export function objections(evidence: Evidence): string[] {
  const { index, values, names, withIt, repeatedBy } = evidence;
  if (values === undefined)
    return [
      'no row is in it, so its question cannot be asked: let bench/filled-database fill its table with some',
    ];
  const sentences = [...withIt]
    .filter(([, { plan }]) => scansOf(plan, names).length === 0)
    .map(([mode, { plan }]) => `it is not taken with ${mode}, but ${accessOf(plan)}`);
  if ([...withIt.values()].every(({ rows }) => rows === 0)) sentences.push('its question finds nothing');
  if (sentences.length === 0 && !(index.unique && !isNamed(evidence)) && !savesEnough(evidence))
    sentences.push(
      `it saves too little: ${mostBuffers(withIt)} pages with it, ${fewestBuffers(evidence.without)} without, by ` +
        [...evidence.without.values()].map(({ plan }) => accessOf(plan)).join(' or '),
    );
  if (repeatedBy !== undefined) sentences.push(`${repeatedBy} answers all that it answers`);
  return sentences;
}

/** Those whose names are a contract. */
export const isNamed = ({ index }: Evidence): boolean => index.name.startsWith('idx_');

/** The worse of the two plans with the index against the better of the two without it. */
const savesEnough = ({ withIt, without }: Evidence): boolean =>
  without.size === 0 || mostBuffers(withIt) <= LEAST_SAVING * fewestBuffers(without);

export const mostBuffers = (answers: ReadonlyMap<PlanMode, Answer>): number =>
  Math.max(...[...answers.values()].map(({ buffers }) => buffers));
export const fewestBuffers = (answers: ReadonlyMap<PlanMode, Answer>): number =>
  Math.min(...[...answers.values()].map(({ buffers }) => buffers));
export const longest = (answers: ReadonlyMap<PlanMode, Answer>): number =>
  Math.max(...[...answers.values()].map(({ milliseconds }) => milliseconds));
export const shortest = (answers: ReadonlyMap<PlanMode, Answer>): number =>
  Math.min(...[...answers.values()].map(({ milliseconds }) => milliseconds));
