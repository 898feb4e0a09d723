/** What SQL is made of, as far as comments, literals and the ends of statements are concerned. */
const TOKEN =
  /(?<literal>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*")|\$(?<tag>[A-Za-z_]\w*)?\$(?<body>[\s\S]*?)\$\k<tag>\$|(?<space>--[^\n]*|\/\*[\s\S]*?\*\/|\s+)|(?<word>[\p{L}_][\p{L}\p{N}_$]*)|[\s\S]/gu;
const STANDS_ALONE = /[(),;]/;

/**
 * The statements of a text in a form that comments, line breaks and indentation do not change: one space between
 * words, none beside brackets and commas, literals and names in quotes as they stand. Function bodies in dollar
 * quotes are treated alike.
 */
export function normalizedStatements(text: string): string[] {
  const statements: string[] = [];
  let statement = '';
  let spaced = false;
  for (const match of text.matchAll(TOKEN)) {
    const { space, body, tag } = match.groups as Record<string, string | undefined>;
    if (space !== undefined) {
      spaced = true;
    } else if (match[0] === ';') {
      if (statement !== '') statements.push(statement);
      statement = '';
    } else {
      const token = body === undefined ? match[0] : dollarQuoted(body, tag ?? '');
      const apart = spaced && statement !== '' && ![token[0], statement.at(-1)].some(standsAlone);
      statement += apart ? ` ${token}` : token;
      spaced = false;
    }
  }
  if (statement !== '') statements.push(statement);
  return statements;
}

/** Parts of a text between separators that stand outside brackets and literals, trimmed. */
export function splitOutsideBrackets(text: string, separator: ',' | ';'): string[] {
  const parts = [''];
  let depth = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '(') depth += 1;
    if (token === ')') depth -= 1;
    if (token === separator && depth === 0) parts.push('');
    else parts[parts.length - 1] += token;
  }
  return parts.map((part) => part.trim());
}

const standsAlone = (character: string | undefined): boolean => STANDS_ALONE.test(character ?? '');

const dollarQuoted = (body: string, tag: string): string =>
  `$${tag}$${normalizedStatements(body).join(';')}$${tag}$`;
