import { normalizedStatements, splitOutsideBrackets } from './sql-text';

/** A statement that would keep others out of a table for as long as it takes to read or rewrite all of it. */
export interface LongLock {
  /** The statement, normalised. */
  readonly statement: string;
  /** Its table, or the index of it that the statement names, without quotes and schema. */
  readonly table: string;
  /** What it does meanwhile. */
  readonly why: string;
  /** What does the same without. */
  readonly instead: string;
  /** It is harmless when the table is partitioned, and so holds no rows itself. */
  readonly unlessPartitioned?: boolean;
  /** It is harmless when a validated CHECK says that this column is never null. */
  readonly unlessNeverNull?: string;
}

type Finding = Omit<LongLock, 'statement' | 'table'>;

const NAME = String.raw`((?:[\w$]+|"(?:[^"]|"")+")(?:\.(?:[\w$]+|"(?:[^"]|"")+"))?)`;
const pattern = (text: string): RegExp => new RegExp(text.replaceAll('NAME', NAME), 'i');

const CREATED = pattern(
  String.raw`^CREATE (?:(?:GLOBAL |LOCAL )?TEMP(?:ORARY)? |UNLOGGED )?TABLE (?!IF NOT EXISTS)NAME`,
);
const INDEX = pattern(
  String.raw`^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY\b)(?:IF NOT EXISTS )?(?:(?!ON )NAME )?ON (ONLY )?NAME`,
);
const ALTER = pattern(String.raw`^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?NAME(?: \*)? ?(.*)$`);

/** Statements other than ALTER TABLE and CREATE INDEX; the name is that of the table. */
const WHOLE_TABLE: readonly (readonly [RegExp, Finding])[] = [
  [
    pattern(
      String.raw`^VACUUM ?(?:FULL|\((?:[^)]*\b)?FULL\b(?! (?:false|off|0))[^)]*\)) ?(?:FREEZE |VERBOSE |ANALYZE )*NAME`,
    ),
    { why: 'rewrites the table', instead: 'a plain VACUUM' },
  ],
  [
    pattern(String.raw`^CLUSTER ?(?:VERBOSE |\([^)]*\) ?)?NAME(?: |$)`),
    { why: 'rewrites the table', instead: 'an index that covers the question' },
  ],
  [
    pattern(String.raw`^LOCK (?:TABLE )?(?:ONLY )?NAME`),
    { why: 'keeps others out until the end of the transaction', instead: 'locks on rows (FOR UPDATE)' },
  ],
  [
    pattern(String.raw`^REINDEX ?(?:\((?![^)]*CONCURRENTLY)[^)]*\) ?)?TABLE (?!CONCURRENTLY\b)NAME`),
    { why: 'builds its indexes while writers wait', instead: 'REINDEX TABLE CONCURRENTLY' },
  ],
  [
    pattern(String.raw`^REINDEX ?(?:\((?![^)]*CONCURRENTLY)[^)]*\) ?)?INDEX (?!CONCURRENTLY\b)NAME`),
    { why: 'builds it while writers wait', instead: 'REINDEX INDEX CONCURRENTLY' },
  ],
];

const OWN_TRANSACTION = 'readonly transaction = false in a migration of its own';
const NOT_VALID = `NOT VALID, and VALIDATE CONSTRAINT with ${OWN_TRANSACTION}`;

/** Actions of ALTER TABLE. */
const ACTIONS: readonly (readonly [RegExp, Finding])[] = [
  [
    /^ALTER (?:COLUMN )?\S+ (?:SET DATA )?TYPE\b/i,
    {
      why: 'rewrites the table',
      instead: 'a new column that is filled in small steps; new values of an enum by ALTER TYPE … ADD VALUE',
    },
  ],
  [
    /^ADD (?:CONSTRAINT \S+ ?)?(?:CHECK|FOREIGN KEY|NOT NULL)\b(?!.*\bNOT (?:VALID|ENFORCED)\b)/i,
    { why: 'reads the whole table', instead: NOT_VALID },
  ],
  [
    /^ADD (?:CONSTRAINT \S+ ?)?(?:PRIMARY KEY|UNIQUE)\b(?!.*\bUSING INDEX\b)/i,
    {
      why: 'builds an index',
      instead: 'CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … USING INDEX',
    },
  ],
  [
    /^ADD (?:CONSTRAINT \S+ ?)?EXCLUDE\b/i,
    { why: 'builds an index', instead: 'a new table with the constraint, filled in small steps' },
  ],
  [
    /^SET (?:LOGGED|UNLOGGED|TABLESPACE|ACCESS METHOD)\b/i,
    { why: 'rewrites the table', instead: 'a new table, filled in small steps' },
  ],
];
const ATTACHED = pattern(String.raw`^ATTACH PARTITION NAME`);
const SET_NOT_NULL = /^ALTER (?:COLUMN )?(\S+) SET NOT NULL/i;
const VALIDATED = /^VALIDATE CONSTRAINT (\S+)/i;
const ADDED = /^ADD CONSTRAINT (\S+?) ?(?:CHECK|FOREIGN KEY|NOT NULL)\b/i;
const NEVER_NULL = /^ADD CONSTRAINT (\S+?) ?CHECK ?\(+(\S+?) IS NOT NULL\)+ ?NOT VALID/i;
const NEW_COLUMN =
  /^ADD (?:COLUMN )?(?:IF NOT EXISTS )?(?!CONSTRAINT\b|CHECK\b|FOREIGN\b|PRIMARY\b|UNIQUE\b|EXCLUDE\b|NOT\b)\S+ (.*)$/i;
const FILLED =
  /^(?:big|small)?serial\b|\bGENERATED (?:ALWAYS |BY DEFAULT )?AS ?(?:IDENTITY\b|\(.*\) ?STORED\b)/i;
const CONSTRAINED = /\b(?:CHECK ?\(|REFERENCES |UNIQUE\b|PRIMARY KEY\b)/i;
const DEFAULT = /\bDEFAULT (.*)$/i;
const LITERAL = /'(?:[^']|'')*'/g;
const CALL = /\b([a-z_][\w.]*) ?\(/gi;
/** Functions whose value is one and the same for all rows of a statement. */
const SAME_FOR_ALL_ROWS =
  /^(?:now|(?:transaction|statement)_timestamp|timezone|date_trunc|make_\w+|to_\w+|lower|upper|coalesce|array|cast|numeric|varchar|char|timestamptz?|interval|bit)$/i;

/**
 * The long locks of a migration on tables that it did not make itself. Sees statements, not what functions and
 * DO blocks put together at run time.
 * @param statements of one migration, normalised
 * @param transactional whether they are one transaction, so that each lock is held until the end
 */
export function longLocks(statements: readonly string[], transactional: boolean): LongLock[] {
  const made = new Set<string>();
  const before: TableAction[] = [];
  return statements.flatMap(unfolded).flatMap((statement) => {
    const created = CREATED.exec(statement);
    if (created !== null) made.add(plain(created[1]));
    const actions = actionsOf(statement);
    const found = [
      ...locksOf(statement),
      ...actions.flatMap((action) => locksOfAction(action, before, transactional)),
    ];
    before.push(...actions);
    return found.filter(({ table }) => !made.has(table)).map((lock) => ({ ...lock, statement }));
  });
}

/** A DO block is its statements; they may stand behind THEN, ELSE, LOOP or BEGIN. */
function unfolded(statement: string): string[] {
  const body = /^DO\b.*?\$(\w*)\$([\s\S]*)\$\1\$/i.exec(statement)?.[2];
  if (body === undefined) return [statement];
  return normalizedStatements(body).flatMap((part) => [part.replace(/^.*\b(?:BEGIN|THEN|ELSE|LOOP) /i, '')]);
}

function locksOf(statement: string): Omit<LongLock, 'statement'>[] {
  const [, , only, indexed] = INDEX.exec(statement) ?? [];
  if (indexed !== undefined) {
    return [
      {
        table: plain(indexed),
        why: 'keeps writers out while it builds an index',
        instead: `CREATE INDEX CONCURRENTLY with ${OWN_TRANSACTION}`,
        ...(only === undefined ? {} : { unlessPartitioned: true }),
      },
    ];
  }
  return WHOLE_TABLE.flatMap(([form, finding]) => {
    const [, table] = form.exec(statement) ?? [];
    return table === undefined ? [] : [{ table: plain(table), ...finding }];
  });
}

interface TableAction {
  readonly table: string;
  readonly action: string;
}

function actionsOf(statement: string): TableAction[] {
  const [, table, actions = ''] = ALTER.exec(statement) ?? [];
  if (table === undefined) return [];
  return splitOutsideBrackets(actions, ',').map((action) => ({ table: plain(table), action }));
}

function locksOfAction(
  { table, action }: TableAction,
  before: readonly TableAction[],
  transactional: boolean,
): Omit<LongLock, 'statement'>[] {
  const earlier = before.filter((other) => other.table === table).map((other) => other.action);
  const [, partition] = ATTACHED.exec(action) ?? [];
  if (partition !== undefined) {
    return [
      {
        table: plain(partition),
        why: 'reads the whole partition',
        instead: 'a validated CHECK of its bounds before, and a note that says so',
      },
    ];
  }
  const found = ACTIONS.find(([form]) => form.test(action))?.[1] ?? ofNewColumn(action);
  const more = ofNotNull(action, earlier) ?? ofValidation(action, earlier, transactional);
  return [found, more].flatMap((finding) => (finding === undefined ? [] : [{ table, ...finding }]));
}

function ofNewColumn(action: string): Finding | undefined {
  const definition = NEW_COLUMN.exec(action)?.[1]?.replace(LITERAL, `''`);
  if (definition === undefined) return undefined;
  if (FILLED.test(definition)) {
    return { why: 'rewrites the table', instead: 'a plain column that is filled in small steps' };
  }
  if (CONSTRAINED.test(definition)) {
    return { why: 'reads the whole table', instead: `the column alone, then its constraint ${NOT_VALID}` };
  }
  const calls = [...(DEFAULT.exec(definition)?.[1] ?? '').matchAll(CALL)];
  if (calls.every(([, name]) => SAME_FOR_ALL_ROWS.test(name ?? ''))) return undefined;
  return {
    why: 'rewrites the table, for its default need not be the same for all rows',
    instead: 'the column without it, then SET DEFAULT, and older rows filled in small steps',
  };
}

function ofNotNull(action: string, earlier: readonly string[]): Finding | undefined {
  const [, column] = SET_NOT_NULL.exec(action) ?? [];
  if (column === undefined) return undefined;
  const checks = earlier.flatMap((other) => {
    const [, constraint, checked] = NEVER_NULL.exec(other) ?? [];
    return checked !== undefined && plain(checked) === plain(column) ? [constraint] : [];
  });
  if (earlier.some((other) => checks.includes(VALIDATED.exec(other)?.[1]))) return undefined;
  return {
    why: 'reads the whole table',
    instead: `CHECK (${column} IS NOT NULL) NOT VALID and VALIDATE CONSTRAINT before, which prove it`,
    unlessNeverNull: plain(column),
  };
}

/** To validate what the same transaction added is to hold the lock of the addition while the table is read. */
function ofValidation(
  action: string,
  earlier: readonly string[],
  transactional: boolean,
): Finding | undefined {
  const [, constraint] = VALIDATED.exec(action) ?? [];
  if (constraint === undefined || !transactional) return undefined;
  if (!earlier.some((other) => ADDED.exec(other)?.[1] === constraint)) return undefined;
  return {
    why: 'reads the whole table under the lock of ADD CONSTRAINT',
    instead: `VALIDATE CONSTRAINT with ${OWN_TRANSACTION}`,
  };
}

/** A name as pg_class has it: the last part of a qualified one, without quotes. */
function plain(name = ''): string {
  const last = /(?:^|\.)(?:"((?:[^"]|"")+)"|([\w$]+))$/.exec(name);
  return last?.[1]?.replaceAll('""', '"') ?? (last?.[2] ?? name).toLowerCase();
}
