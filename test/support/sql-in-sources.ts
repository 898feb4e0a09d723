import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A statement, or a part of one, as it is written out in the code. */
export interface WrittenStatement {
  /** File and line. */
  readonly place: string;
  /** On one line, without comments; what the code puts in stands as `{}`. */
  readonly text: string;
}

const STATEMENT = /^\s*(SELECT|INSERT\s+INTO|UPDATE|DELETE\s+FROM|WITH|MERGE)\s/;
const PART = /\b(SELECT|FROM|JOIN|WHERE|RETURNING|ORDER BY|LIMIT|OFFSET)\b[^]*[=<>($]/;

/** All SQL in the sources below a folder, found in their syntax trees; specs are left out. */
export function sqlInSources(root: string): WrittenStatement[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
    .flatMap((name) => sqlIn(name, readFileSync(join(root, name), 'utf8')));
}

/** The SQL in one source. */
export function sqlIn(name: string, code: string): WrittenStatement[] {
  const source = ts.createSourceFile(name, code, ts.ScriptTarget.ES2023);
  const found: WrittenStatement[] = [];
  const visit = (node: ts.Node): void => {
    const text = textOf(node);
    if (text !== undefined && (STATEMENT.test(text) || PART.test(text))) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      found.push({ place: `${name}:${line + 1}`, text: onOneLine(text) });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.head.text + node.templateSpans.map(({ literal }) => `{}${literal.text}`).join('');
}

const onOneLine = (sql: string): string =>
  sql
    .replace(/--[^\n]*/g, ' ')
    .replace(/\s+/g, ' ')
    .replaceAll('( ', '(')
    .trim();
