import { createHash } from 'node:crypto';

/** A statement as logs may show it. */
export interface StatementForm {
  /** The same for all statements of this form, in every process and release. */
  readonly fingerprint: string;
  /** The text without comments, line breaks and any value that stands in it. */
  readonly text: string;
}

/**
 * What a statement is made of, in the order of trying (PostgreSQL: 4.1 Lexical Structure): comments, quoted identifiers,
 * strings in all their forms, parameters, words with the digits in them, numbers, white space. Comments and strings may
 * also never end: the server cuts the texts of its activity at track_activity_query_size.
 */
const TOKEN = new RegExp(
  [
    String.raw`(?<comment>--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/|/\*.*$)`,
    String.raw`(?<identifier>"(?:[^"]|"")*")`,
    String.raw`(?<literal>\b[eE]'(?:[^'\\]|\\.|'')*(?:'|\\?$)|(?:\b(?:[bBxXnN]|[uU]&))?'(?:[^']|'')*'|'.*$|\$(?<tag>[A-Za-z_]\w*)?\$.*?(?:\$\k<tag>\$|$))`,
    String.raw`(?<parameter>\$\d+)`,
    String.raw`(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`,
    String.raw`(?<number>0[xXoObB][\da-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)`,
    String.raw`(?<space>\s+)`,
  ].join('|'),
  'gs',
);
/** Lists of parameters that are as long as somebody's input: one form, however long. */
const LIST = /\bIN \(\$\d+(?:, ?\$\d+)*\)/gi;
const ROWS =
  /(\((?:\$\d+|DEFAULT)(?:, ?(?:\$\d+|DEFAULT))*\))(?:, ?\((?:\$\d+|DEFAULT)(?:, ?(?:\$\d+|DEFAULT))*\))+/gi;
const MOST_FORMS = 2_000;
/** A line of the log holds no more of a statement. */
const MOST_CHARACTERS = 4_000;

const forms = new Map<string, StatementForm>();

/** The form of a statement; what was found once is kept, since statements are written out in the code. */
export function statementForm(text: string): StatementForm {
  const known = forms.get(text);
  if (known !== undefined) return known;
  const plain = withoutValues(text);
  const form = {
    fingerprint: createHash('sha256').update(plain).digest('hex').slice(0, 16),
    text: plain.length > MOST_CHARACTERS ? `${plain.slice(0, MOST_CHARACTERS)}…` : plain,
  };
  if (forms.size < MOST_FORMS) forms.set(text, form);
  return form;
}

/** The text without comments, line breaks and any value that stands in it. Nothing is kept of it. */
export function withoutValues(text: string): string {
  return text
    .replace(TOKEN, (token, ...rest) => {
      const { comment, literal, number, space } = rest.at(-1) as Record<string, string | undefined>;
      if (comment !== undefined || space !== undefined) return ' ';
      return literal !== undefined || number !== undefined ? '?' : token;
    })
    .replace(/ +/g, ' ')
    .trim()
    .replace(LIST, 'IN (…)')
    .replace(ROWS, '$1, …');
}
