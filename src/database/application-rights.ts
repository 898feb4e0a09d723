import type { DataSource } from 'typeorm';

/** Books that are only ever written to: rows in them are never changed, deleted or truncated. */
const APPEND_ONLY = ['audit_logs', 'ledger_entries', 'ledger_transfers'];
/** What the owner alone writes: what migrations keep, the history of the database's own figures, and what was measured. */
const OURS_ALONE = [
  'migrations',
  'migrations_id_seq',
  'migration_history',
  'server_snapshots',
  'statement_snapshots',
  'table_snapshots',
  'index_snapshots',
  'statement_counters',
  'recorded_statements',
  'performance_evidence',
];

/** Processes that start together take turns: two that give rights to one table at once would fail. */
const RIGHTS_LOCK = 4_711_072_004;

/**
 * What the schema holds, without partitions, whose rights are those of their table, and without what extensions brought:
 * that may belong to somebody else, who grants it.
 */
const OBJECTS = `
  WITH here AS (SELECT to_regnamespace(quote_ident(current_schema())) AS schema),
  foreign_object AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e')
  SELECT relkind = 'S' AS sequence, quote_ident(relname) AS name, relname = ANY ($1) AS append_only,
         relname = ANY ($2) AS ours_alone
    FROM pg_class c, here
   WHERE relnamespace = schema AND relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT relispartition
     AND ('pg_class'::regclass, c.oid) NOT IN (SELECT classid, objid FROM foreign_object)
  UNION ALL
  SELECT NULL, oid::regprocedure::text, false, false
    FROM pg_proc p, here
   WHERE pronamespace = schema
     AND ('pg_proc'::regclass, p.oid) NOT IN (SELECT classid, objid FROM foreign_object)`;

/** Partitions that the role has rights of its own to. */
const OPEN_PARTITIONS = `
  SELECT quote_ident(relname) AS name
    FROM pg_class
   WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relispartition AND relkind IN ('r', 'p')
     AND EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = to_regrole(quote_ident($1)))`;

interface SchemaObject {
  /** Null for a function. */
  readonly sequence: boolean | null;
  readonly name: string;
  readonly append_only: boolean;
  readonly ours_alone: boolean;
}

/**
 * Lets the application's role read and write, own nothing, and change nothing in the append-only books.
 * Runs after every migration, so that a new table or another role needs no hand. Nothing to do where the
 * application works as the owner itself.
 */
export async function grantApplicationRights(owner: DataSource, role: string): Promise<void> {
  const rows = await owner.query<{ is_owner: boolean; quoted: string; schema: string }[]>(
    'SELECT current_user = $1 AS is_owner, quote_ident($1) AS quoted, quote_ident(current_schema()) AS schema',
    [role],
  );
  const {
    is_owner: isOwner,
    quoted,
    schema,
  } = rows[0] as { is_owner: boolean; quoted: string; schema: string };
  if (isOwner) return;
  const objects = await owner.query<SchemaObject[]>(OBJECTS, [APPEND_ONLY, OURS_ALONE]);
  const open = await owner.query<{ name: string }[]>(OPEN_PARTITIONS, [role]);
  const named = (wanted: (object: SchemaObject) => boolean): string =>
    objects
      .filter(wanted)
      .map(({ name }) => name)
      .join(', ');
  const grants = [
    ['GRANT SELECT, INSERT, UPDATE, DELETE ON', named(({ sequence }) => sequence === false), 'TO'],
    ['GRANT USAGE ON SEQUENCE', named((object) => object.sequence === true && !object.ours_alone), 'TO'],
    ['GRANT EXECUTE ON FUNCTION', named(({ sequence }) => sequence === null), 'TO'],
    ['REVOKE UPDATE, DELETE, TRUNCATE ON', named((object) => object.append_only), 'FROM'],
    [
      'REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON',
      named((object) => object.sequence === false && object.ours_alone),
      'FROM',
    ],
    ['REVOKE ALL ON', open.map(({ name }) => name).join(', '), 'FROM'],
  ] as const;
  await owner.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [RIGHTS_LOCK]);
    await tx.query(`GRANT USAGE ON SCHEMA ${schema} TO ${quoted}`);
    for (const [what, names, direction] of grants) {
      if (names !== '') await tx.query(`${what} ${names} ${direction} ${quoted}`);
    }
  });
}
