import type { Statement } from './column-differences';
import { normalizedStatements, splitOutsideBrackets } from './sql-text';

/** One line of a drafted `up()` or `down()`: a statement, or a call of the index builder. */
export type DraftStep = Statement | { readonly call: string };

/** What a drafted migration holds. */
export interface Draft {
  /** `notes-of-meters`, as its file is called. */
  readonly name: string;
  readonly number: number;
  readonly transactional: boolean;
  readonly up: readonly DraftStep[];
  readonly down: readonly DraftStep[];
}

/** Migration classes end in thirteen digits; of ours the last four are the number. */
const FIRST_TIMESTAMP = 1_795_305_600_000;
const LINE = 110;
const INDENT = '    ';

/** The name of a draft's file: `0010-notes-of-meters.ts`. */
export const fileName = ({ name, number }: Draft): string => `${String(number).padStart(4, '0')}-${name}.ts`;

/** The text of a draft's file, laid out as Prettier does. */
export function fileText({ name, number, transactional, up, down }: Draft): string {
  const builders = ['buildIndex', 'dropIndex', 'replaceIndex'].filter((builder) =>
    [...up, ...down].some((step) => 'call' in step && step.call.startsWith(`await ${builder}(`)),
  );
  const words = name.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return [
    `import type { MigrationInterface, QueryRunner } from 'typeorm';`,
    ...(builders.length === 0
      ? []
      : [`import { ${builders.join(', ')} } from '../src/database/indexes/index-builder';`]),
    '',
    `/** ${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll('-', ' ')}. */`,
    `export class ${words.join('')}${FIRST_TIMESTAMP + number} implements MigrationInterface {`,
    ...(transactional ? [] : ['  readonly transaction = false;', '']),
    '  async up(queryRunner: QueryRunner): Promise<void> {',
    ...up.flatMap(lines),
    '  }',
    '',
    '  async down(queryRunner: QueryRunner): Promise<void> {',
    ...down.flatMap(lines),
    '  }',
    '}',
    '',
  ].join('\n');
}

function lines(step: DraftStep): string[] {
  if ('call' in step) return step.call.split('\n').map((line) => INDENT + line);
  const { query, parameters = [] } = step;
  const text = escaped(laidOut(query));
  const bound = parameters.length === 0 ? '' : `, ${JSON.stringify(parameters)}`;
  const line = `${INDENT}await queryRunner.query(\`${text}\`${bound});`;
  if (text.includes('\n') || line.length <= LINE) return line.split('\n');
  return [`${INDENT}await queryRunner.query(`, `${INDENT}  \`${text}\`${bound},`, `${INDENT});`];
}

/** A table with a line for each column, everything else on one line; without what goes without saying. */
function laidOut(query: string): string {
  const text = query
    .replaceAll('"public".', '')
    .replace(/ ON (?:DELETE|UPDATE) NO ACTION\b/g, '')
    .trim();
  const [, head, body, tail] = /^(CREATE TABLE \S+) \(([\s\S]*)\)([^)]*)$/.exec(text) ?? [];
  if (head === undefined || body === undefined) return text;
  const members = splitOutsideBrackets(body, ',').map((member) => `${INDENT}    ${member}`);
  return `\n${INDENT}  ${head} (\n${members.join(',\n')}\n${INDENT}  )${tail ?? ''}`;
}

const escaped = (text: string): string => text.replace(/[\\`]|\$\{/g, (found) => `\\${found}`);

/** The statements of a draft's `up()` as the lock check reads them. */
export function statementsOf({ up }: Draft): string[] {
  return up.flatMap((step) => ('call' in step ? [] : normalizedStatements(step.query)));
}
