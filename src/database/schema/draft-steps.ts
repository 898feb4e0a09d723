import type { CatalogueIndex } from '../indexes/index-catalogue';
import type { IndexDifference } from '../indexes/index-comparison';
import { inSql, type IndexInSql } from '../indexes/index-in-sql';
import { createIndexStatement } from '../indexes/index-statements';
import type { Statement } from './column-differences';
import type { Constraint, ConstraintDifference } from './constraint-differences';
import type { DraftStep } from './draft-file';
import type { EnumDifference } from './object-differences';

/** Everything in which the code is ahead of its migrations. */
export interface CodeAndSchema {
  readonly schema: { readonly up: readonly Statement[]; readonly down: readonly Statement[] };
  readonly enums: readonly EnumDifference[];
  /** Whether a statement has to do with an enum that only gets more values. */
  readonly concernsEnum: (statement: string) => boolean;
  readonly constraints: readonly ConstraintDifference[];
  readonly indexes: readonly IndexDifference[];
  readonly catalogue: readonly CatalogueIndex[];
  /** Whether the draft itself makes a table. */
  readonly isNew: (table: string) => boolean;
}

interface Steps {
  readonly up: readonly DraftStep[];
  readonly down: readonly DraftStep[];
}

const INDEX = /^(?:CREATE|DROP) (?:UNIQUE )?INDEX /;
/** A constraint that can be added at once and proven later. */
const PROVABLE = /^ALTER TABLE "([^"]+)" ADD CONSTRAINT "([^"]+)" (?:CHECK|FOREIGN KEY)\b/;
const NOT_VALID = ' NOT VALID';

/** The enums that only get more values: TypeORM would make them anew, and rewrite every table that uses them. */
export const onlyExtended = (enums: readonly EnumDifference[]): Set<string> =>
  new Set(enums.filter(({ additions }) => additions.length > 0).map(({ name }) => name));

/** What goes into a transaction: types, tables, columns, constraints, and indexes of new tables. */
export function schemaSteps({
  schema,
  enums,
  concernsEnum,
  constraints,
  catalogue,
  isNew,
}: CodeAndSchema): Steps {
  const changed = changedConstraints(constraints, schema.up);
  return {
    up: [
      ...enums.flatMap(({ additions }) => additions.map((query) => ({ query }))),
      ...schema.up
        .filter(({ query }) => !INDEX.test(query) && !concernsEnum(query))
        .map((statement) => (proof(statement, isNew) === undefined ? statement : addedOnly(statement))),
      ...changed.flatMap(({ declared }) => exchange(declared, NOT_VALID)),
      ...catalogue
        .filter(({ table }) => isNew(table))
        .map((index) => ({ query: createIndexStatement(index) })),
    ],
    down: [
      ...changed.flatMap(({ live }) => exchange(live, '')),
      ...schema.down.filter(({ query }) => !INDEX.test(query)),
    ],
  };
}

/** What must keep no writers out: proofs of constraints that were only added, and indexes of living tables. */
export function livingTableSteps({ schema, constraints, indexes, catalogue, isNew }: CodeAndSchema): Steps {
  const later = indexes
    .filter(({ table }) => !isNew(table))
    .flatMap((difference) => indexSteps(difference, catalogue));
  return {
    up: [
      ...schema.up.flatMap((statement) => proof(statement, isNew) ?? []),
      ...changedConstraints(constraints, schema.up)
        .filter(({ declared }) => isProvable(declared))
        .map(({ declared: { table, name } }) => ({
          query: `ALTER TABLE "${table}" VALIDATE CONSTRAINT "${name}"`,
        })),
      ...later.map(({ up }) => up),
    ],
    down: later.toReversed().map(({ down }) => down),
  };
}

/** The statement that proves a constraint which another adds to a living table. */
function proof({ query }: Statement, isNew: CodeAndSchema['isNew']): Statement | undefined {
  const [, table, constraint] = PROVABLE.exec(query) ?? [];
  if (table === undefined || isNew(table)) return undefined;
  return { query: `ALTER TABLE "${table}" VALIDATE CONSTRAINT "${constraint}"` };
}

const addedOnly = ({ query, parameters }: Statement): Statement => ({ query: query + NOT_VALID, parameters });

/** Constraints that say something else under the same name, which TypeORM does not see. */
function changedConstraints(
  differences: readonly ConstraintDifference[],
  seen: readonly Statement[],
): { declared: Constraint; live: Constraint }[] {
  return differences.flatMap(({ declared, live }) => {
    if (declared === undefined || live === undefined) return [];
    if (live.definition.replace(NOT_VALID, '') === declared.definition) return [];
    return seen.some(({ query }) => query.includes(`"${declared.name}"`)) ? [] : [{ declared, live }];
  });
}

const isProvable = ({ definition }: Constraint): boolean => /^(?:CHECK|FOREIGN KEY) /.test(definition);

function exchange(constraint: Constraint, suffix: string): Statement[] {
  const { table, name, definition } = constraint;
  return [
    { query: `ALTER TABLE "${table}" DROP CONSTRAINT "${name}"` },
    {
      query: `ALTER TABLE "${table}" ADD CONSTRAINT "${name}" ${definition}${isProvable(constraint) ? suffix : ''}`,
    },
  ];
}

function indexSteps(
  { kind, index: name, table, live }: IndexDifference,
  catalogue: readonly CatalogueIndex[],
): { up: DraftStep; down: DraftStep }[] {
  const declared = catalogue.find((index) => index.name === name);
  const before = live === undefined ? undefined : ofForm(name, table, live);
  if (kind === 'missing' && declared !== undefined) {
    return [{ up: call('buildIndex', inSql(declared)), down: drop(name, table) }];
  }
  if (kind === 'differs' && declared !== undefined && before !== undefined) {
    return [{ up: call('replaceIndex', inSql(declared)), down: call('replaceIndex', before) }];
  }
  if (kind === 'undeclared' && before !== undefined) {
    return [{ up: drop(name, table), down: call('buildIndex', before) }];
  }
  return []; // what a broken build left is no matter of a migration
}

/** An index as PostgreSQL writes it. */
function ofForm(name: string, table: string, form: string): IndexInSql {
  const definition = form.replace(/^UNIQUE /, '');
  return { name, table, definition, unique: definition !== form };
}

const drop = (name: string, table: string): DraftStep => ({
  call: `await dropIndex(queryRunner, { name: '${name}', table: '${table}' });`,
});

function call(
  builder: 'buildIndex' | 'replaceIndex',
  { name, table, definition, unique }: IndexInSql,
): DraftStep {
  const members = [
    `name: '${name}',`,
    `table: '${table}',`,
    `definition: ${literal(definition)},`,
    ...(unique === true ? ['unique: true,'] : []),
  ];
  return {
    call: [`await ${builder}(queryRunner, {`, ...members.map((member) => `  ${member}`), '});'].join('\n'),
  };
}

const literal = (text: string): string =>
  text.includes("'") ? `\`${text.replace(/[\\`]|\$\{/g, (found) => `\\${found}`)}\`` : `'${text}'`;
