import type { DataSource } from 'typeorm';

/** Books that are only ever written to: rows in them are never changed, deleted or truncated. */
const APPEND_ONLY = ['audit_logs', 'ledger_entries', 'ledger_transfers'];

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
  const books = await owner.query<{ name: string }[]>(
    `SELECT quote_ident(relname) AS name FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relname = ANY($1)`,
    [APPEND_ONLY],
  );
  await owner.transaction(async (tx) => {
    await tx.query(`GRANT USAGE ON SCHEMA ${schema} TO ${quoted}`);
    await tx.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${quoted}`);
    await tx.query(`GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${quoted}`);
    await tx.query(`GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${schema} TO ${quoted}`);
    for (const { name } of books) await tx.query(`REVOKE UPDATE, DELETE, TRUNCATE ON ${name} FROM ${quoted}`);
    await tx.query(`REVOKE INSERT, UPDATE, DELETE ON migrations, migration_history FROM ${quoted}`);
  });
}
