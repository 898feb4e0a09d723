import { ExplainedError } from '../explained-error';
import { partName, replacedName, replacementName, type IndexInSql } from './index-in-sql';
import { dropping, reindexing, type Step } from './index-step';
import type { LiveIndex, LiveTable } from './live-indexes';

/** An index of this name serves already, in another form. */
export class OtherForm extends ExplainedError {}

/**
 * The steps from what the database has to the finished index, valid on the table and on every partition; none when
 * nothing is left to do. What a broken build left behind is cleared away first.
 * @param form the index as PostgreSQL writes it, see `canonicalForms`
 * @throws OtherForm
 */
export function planBuild(index: IndexInSql, form: string, table: LiveTable): Step[] {
  const existing = named(index.name, table);
  if (existing?.constraint !== undefined)
    throw new OtherForm(
      `${index.name} belongs to a constraint of ${table.name}: give the index another name, or drop the constraint first`,
    );
  if (existing?.valid === true && existing.form !== form)
    throw new OtherForm(
      `${index.name} serves ${table.name} already, as ${existing.form}: replace it, or drop it first, to have it as ${form}`,
    );
  return new IndexPlan(form).build(index, table);
}

/**
 * The steps to an index of this form where one of another form may serve until then: the new one is built beside it,
 * they exchange names, the old one goes.
 */
export function planReplacement(index: IndexInSql, form: string, table: LiveTable): Step[] {
  const existing = named(index.name, table);
  if (existing?.valid !== true || existing.form === form || existing.constraint !== undefined) {
    const leftovers = [replacementName(index.name), replacedName(index.name)];
    return [...planBuild(index, form, table), ...leftovers.flatMap((name) => planDrop(name, table))];
  }
  return new IndexPlan(form).replace(index, existing, table);
}

/** The steps to an index being gone; none when it is not there. */
export function planDrop(name: string, table: LiveTable): Step[] {
  const existing = named(name, table);
  return existing === undefined ? [] : [dropping(existing)];
}

class IndexPlan {
  private readonly steps: Step[] = [];
  /** Oids of indexes that earlier steps drop, with whatever is attached to them. */
  private readonly gone = new Set<string>();

  constructor(private readonly form: string) {}

  build(index: IndexInSql, table: LiveTable): Step[] {
    if (table.partitioned) this.onPartitions(index, table);
    else this.onTable(index, table);
    return this.steps;
  }

  replace(index: IndexInSql, existing: LiveIndex, table: LiveTable): Step[] {
    const spare = replacementName(index.name);
    const old = replacedName(index.name);
    const unfinished = named(spare, table);
    if (unfinished !== undefined && unfinished.form !== this.form) this.drop(unfinished);
    const forgotten = named(old, table);
    if (forgotten !== undefined) this.drop(forgotten);
    this.build({ ...index, name: spare }, table);
    this.exchange(index.name, existing, table);
    this.steps.push(dropping({ ...existing, name: old, sql: old }));
    return this.steps;
  }

  private onTable(index: IndexInSql, table: LiveTable): void {
    const existing = this.named(index.name, table);
    if (existing?.valid === true && existing.form === this.form) return;
    if (existing !== undefined) this.drop(existing);
    this.steps.push(creating(index, table, 'CONCURRENTLY'));
  }

  /**
   * PostgreSQL builds no index of a partitioned table concurrently: an empty one is made on the table itself, each
   * partition's is built and attached, and the last one makes the whole valid. Partitions that are made after the
   * first step bring theirs along.
   */
  private onPartitions(index: IndexInSql, table: LiveTable): void {
    let whole = this.named(index.name, table);
    const useless = whole?.valid === false && (whole.form !== this.form || table.partitions.length === 0);
    if (whole !== undefined && useless) {
      this.drop(whole);
      whole = undefined;
    }
    if (whole === undefined) this.steps.push(creating(index, table, 'ONLY'));
    const before = this.steps.length;
    for (const partition of table.partitions) this.onPartition(index, whole, table, partition);
    const [first] = whole?.parts ?? [];
    // Whoever attached the last part did not make the whole valid: the partition that still lacked one was dropped.
    if (whole?.valid === false && first !== undefined && this.steps.length === before)
      this.steps.push(attaching(index.name, first, first.table));
  }

  private onPartition(
    index: IndexInSql,
    whole: LiveIndex | undefined,
    table: LiveTable,
    partition: LiveTable,
  ): void {
    const attached = whole?.parts.find((part) => part.table === partition.name);
    const own = { ...index, name: partName(index.name, table.name, partition.name), table: partition.sql };
    if (attached !== undefined) {
      if (partition.partitioned) this.onPartitions({ ...own, name: attached.name }, partition);
      // A part that is attached cannot be dropped.
      else if (!attached.valid) this.steps.push(reindexing(attached, partition));
      return;
    }
    const finished = partition.indexes.find((candidate) => this.serves(candidate, partition));
    if (partition.partitioned) this.onPartitions(own, partition);
    else if (finished === undefined) this.onTable(own, partition);
    this.steps.push(attaching(index.name, finished ?? { sql: own.name }, partition.name));
  }

  /** An index of the same form that nobody claims may become a part, as CREATE INDEX on the whole takes it too. */
  private serves(index: LiveIndex, partition: LiveTable): boolean {
    return index.attachedTo === undefined && !partition.partitioned && isSound(index, this.form);
  }

  /** One transaction of renamings, which keep nobody out: there is no moment without the index. */
  private exchange(name: string, existing: LiveIndex, table: LiveTable): void {
    const spare = replacementName(name);
    const old = replacedName(name);
    const created = new Set(this.steps.filter(({ action }) => action === 'create').map(({ index }) => index));
    const present = (index: string, partition: LiveTable): boolean =>
      this.named(index, partition) !== undefined;
    const away = partPairs(name, old, table).filter(({ from, on }) => present(from, on));
    const home = partPairs(spare, name, table).filter(
      ({ from, on }) => created.has(from) || present(from, on),
    );
    const renamings = [
      `ALTER INDEX ${existing.sql} RENAME TO ${old}`,
      ...away.map(({ from, to }) => `ALTER INDEX ${from} RENAME TO ${to}`),
      `ALTER INDEX ${spare} RENAME TO ${name}`,
      ...home.map(({ from, to }) => `ALTER INDEX ${from} RENAME TO ${to}`),
    ];
    const step = { action: 'rename', manner: 'briefly', index: name, table: table.name, bytes: 0 } as const;
    this.steps.push({ ...step, statements: renamings });
  }

  private named(name: string, table: LiveTable): LiveIndex | undefined {
    const index = named(name, table);
    return index === undefined || this.gone.has(index.oid) ? undefined : index;
  }

  private drop(index: LiveIndex): void {
    this.steps.push(dropping(index));
    const perish = ({ oid, parts }: LiveIndex): void => {
      this.gone.add(oid);
      parts.forEach(perish);
    };
    perish(index);
  }
}

const named = (name: string, table: LiveTable): LiveIndex | undefined =>
  table.indexes.find((index) => index.name === name);

const isSound = (index: LiveIndex, form: string): boolean =>
  index.valid && index.form === form && index.constraint === undefined;

/** The names that the parts of an index have and shall have, down to the last partition of a partition. */
function partPairs(
  from: string,
  to: string,
  table: LiveTable,
): { from: string; to: string; on: LiveTable }[] {
  return table.partitions.flatMap((partition) => {
    const pair = {
      from: partName(from, table.name, partition.name),
      to: partName(to, table.name, partition.name),
    };
    return [{ ...pair, on: partition }, ...partPairs(pair.from, pair.to, partition)];
  });
}

function creating(index: IndexInSql, table: LiveTable, how: 'CONCURRENTLY' | 'ONLY'): Step {
  const concurrently = how === 'CONCURRENTLY';
  return {
    action: 'create',
    manner: concurrently ? 'concurrently' : 'briefly',
    statements: [createStatement(index, { how, table: table.sql })],
    index: index.name,
    table: table.name,
    bytes: concurrently ? table.bytes : 0,
  };
}

/** The statement of a build: CONCURRENTLY on a table with rows of its own, ON ONLY a partitioned one. */
export function createStatement(
  { name, table: own, unique, definition }: IndexInSql,
  { how, table = own }: { how: 'CONCURRENTLY' | 'ONLY'; table?: string },
): string {
  const kind = unique === true ? 'CREATE UNIQUE INDEX' : 'CREATE INDEX';
  return how === 'ONLY'
    ? `${kind} ${name} ON ONLY ${table} ${definition}`
    : `${kind} CONCURRENTLY ${name} ON ${table} ${definition}`;
}

function attaching(whole: string, part: { readonly sql: string }, table: string): Step {
  const statements = [`ALTER INDEX ${whole} ATTACH PARTITION ${part.sql}`];
  return { action: 'attach', manner: 'briefly', statements, index: whole, table, bytes: 0 };
}
