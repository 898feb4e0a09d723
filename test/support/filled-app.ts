import { fill } from '../../bench/filled-database/fill';
import { HEAVY_USER, KNOWN_USERS, type KnownUser } from '../../bench/filled-database/known-users';
import { FILLED_TABLES } from '../../bench/filled-database/tables';
import type { DatabaseUrls } from '../../src/database/database.module';
import { hashPassword } from '../../src/users/passwords';
import { SessionsService } from '../../src/users/sessions.service';
import { ADMIN, startApp, type Person, type TestApp } from './app';
import { asOwner, migratedDatabase } from './database';

/** A table of that size is one that nobody goes through to find something. */
export const LARGE = 10_000;

/** There are a dozen markets, and a mint or a transfer is made of readings or certificates: of these there are fewer. */
export const MADE_OF_OTHERS = [
  'markets',
  'mints',
  'erc_certificate_transfers',
  'migrations',
  'migration_history',
  'performance_evidence',
  'recorded_statements',
  'statement_counters',
];
const ROWS = 12_000;
const READINGS = 100_000;

/** Those of the filled database who are logged in. */
export interface KnownPeople {
  readonly heavy: Person;
  readonly admin: Person;
  readonly operator: Person;
  readonly auditor: Person;
  readonly newcomer: Person;
}

/** A migrated database with more than {@link LARGE} rows in every table that can have many. */
export async function filledDatabase(): Promise<DatabaseUrls> {
  const urls = await migratedDatabase();
  const tables = FILLED_TABLES.filter((table) => ![...MADE_OF_OTHERS, 'meter_readings'].includes(table));
  const sizes = Object.fromEntries(tables.map((table) => [table, ROWS]));
  await fill(urls.ownerUrl, { readings: READINGS, others: ROWS, tables: sizes });
  return urls;
}

/** The application on a filled database, with one of each role logged in. */
export async function startFilledApp(urls: DatabaseUrls): Promise<{ app: TestApp; people: KnownPeople }> {
  // The first administrator of this database is known to nobody: it becomes the one that tests log in as.
  const hash = await hashPassword(ADMIN.password);
  await asOwner(urls, 'UPDATE users SET email = $2, password_hash = $3 WHERE id = $1', [
    personOf('admin').id,
    ADMIN.email,
    hash,
  ]);
  const app = await startApp({}, urls);
  for (let more = 0; more < 3; more++) await logIn(app, HEAVY_USER); // more than one page of sessions
  const [heavy, operator, auditor, newcomer] = await Promise.all(
    [HEAVY_USER, personOf('operator'), personOf('auditor'), personOf('consumer')].map((user) =>
      logIn(app, user),
    ),
  );
  return { app, people: { heavy, admin: app.admin, operator, auditor, newcomer } as KnownPeople };
}

function personOf(role: KnownUser['role']): KnownUser {
  const user = KNOWN_USERS.find((candidate) => candidate.role === role);
  if (user === undefined) throw new Error(`The filled database knows no ${role}`);
  return user;
}

/** Nobody knows a password of theirs: a session is opened for them. */
async function logIn(app: TestApp, { id, email, username }: KnownUser): Promise<Person> {
  const sessions = app.nest.get(SessionsService);
  const { accessToken: token, refreshToken } = await app.database.transaction((tx) =>
    sessions.open(tx, id, undefined),
  );
  return { id, email, username, password: 'nobody knows it', token, refreshToken };
}
