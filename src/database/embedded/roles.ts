import { Client, DatabaseError } from 'pg';
import { scramVerifier } from './scram';
import type { DatabasePasswords } from './secrets';
import { SqlState } from '../sql-states';

/** The superuser that initdb makes; it owns the schema and runs the migrations. */
export const OWNER = 'gridtokenx_owner';
/** The role the application works as; it owns nothing. */
export const APP = 'gridtokenx_app';
export const DATABASE = 'gridtokenx';

/** The address of the database for a role. */
export function databaseUrl(role: string, password: string, port: number): string {
  return `postgres://${role}:${password}@127.0.0.1:${port}/${DATABASE}`;
}

/**
 * Makes the database and the application's role, or brings them back to what they must be; changes nothing when they
 * are. May be repeated after an interruption at any point.
 * @throws DatabaseError and connection errors of `pg` as they come
 */
export async function prepareRoles(port: number, passwords: DatabasePasswords): Promise<void> {
  const owner = await connectAsOwner(port, passwords.owner);
  try {
    await restrictApp(owner, passwords.app);
    await restrictDatabase(owner);
    if (!(await canLogIn(port, passwords.app))) await setPassword(owner, passwords.app);
  } finally {
    await owner.end();
  }
}

/** How many other clients are connected to the cluster, in any database. */
export async function otherClients(port: number, passwords: DatabasePasswords): Promise<number> {
  return connected(databaseUrl(OWNER, passwords.owner, port), async (client) => {
    const { rows } = await client.query<{ others: number }>(
      `SELECT count(*)::int AS others FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    return rows[0]?.others ?? 0;
  });
}

/** Whether an error of `pg` says that the server refuses this password. */
export function isWrongPassword(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === SqlState.INVALID_PASSWORD;
}

async function connectAsOwner(port: number, password: string): Promise<Client> {
  const url = databaseUrl(OWNER, password, port);
  try {
    return await connect(url);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== SqlState.INVALID_CATALOG_NAME) throw error;
    await createDatabase(new URL('/postgres', url).href);
    return connect(url);
  }
}

async function createDatabase(maintenanceUrl: string): Promise<void> {
  await connected(maintenanceUrl, async (client) => {
    try {
      await client.query(`CREATE DATABASE ${DATABASE} OWNER ${OWNER}`);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== SqlState.DUPLICATE_DATABASE) throw error;
    }
  });
}

async function restrictApp(owner: Client, password: string): Promise<void> {
  const { rows } = await owner.query<{ proper: boolean }>(
    `SELECT rolcanlogin AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls) AS proper
       FROM pg_roles WHERE rolname = $1`,
    [APP],
  );
  const rights = 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS';
  if (rows[0] === undefined) {
    await owner.query(
      `CREATE ROLE ${APP} ${rights} PASSWORD ${owner.escapeLiteral(scramVerifier(password))}`,
    );
  } else if (!rows[0].proper) {
    await owner.query(`ALTER ROLE ${APP} ${rights}`);
  }
}

/** By default every role may connect to every database and make temporary tables: only the application may. */
async function restrictDatabase(owner: Client): Promise<void> {
  const { rows } = await owner.query<{ proper: boolean }>(
    `SELECT NOT has_database_privilege('public', $1, 'CONNECT') AND has_database_privilege($2, $1, 'CONNECT')
            AND has_database_privilege($2, $1, 'TEMPORARY') AS proper`,
    [DATABASE, APP],
  );
  if (rows[0]?.proper) return;
  await owner.query(
    `REVOKE ALL ON DATABASE ${DATABASE} FROM PUBLIC; GRANT CONNECT, TEMPORARY ON DATABASE ${DATABASE} TO ${APP}`,
  );
}

async function setPassword(owner: Client, password: string): Promise<void> {
  await owner.query(`ALTER ROLE ${APP} PASSWORD ${owner.escapeLiteral(scramVerifier(password))}`);
}

async function canLogIn(port: number, password: string): Promise<boolean> {
  try {
    return await connected(databaseUrl(APP, password, port), () => Promise.resolve(true));
  } catch (error) {
    return !isWrongPassword(error); // any other refusal, such as too many connections, says nothing about the password
  }
}

async function connected<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connect(url);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function connect(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    application_name: 'gridtokenx',
  });
  // A server that goes away ends the query with an error; without a listener the same news would end the process.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
