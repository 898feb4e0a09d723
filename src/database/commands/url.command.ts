import { ConfigurationError, loadConfig, readDotEnv } from '../../config/config';
import { EmbeddedDatabaseError } from '../embedded/embedded-database.error';
import { startEmbeddedPostgres } from '../embedded/embedded-postgres';
import { acquireServerLock } from '../embedded/server-lock';

const HELP = `npm run db:url prints how psql reaches the database, as its owner: psql "$(npm run --silent db:url)"
An embedded database that is not running is started, and stays until npm start takes it over or
"npm run db:url -- --stop" stops it.
`;

/** Prints the owner's URL; an embedded database is left running, else the URL would lead nowhere. */
async function main(): Promise<void> {
  if (process.argv.includes('--help')) return void process.stdout.write(HELP);
  readDotEnv();
  const { embedded, dataDir, environment } = loadConfig(process.env);
  if (!embedded) {
    process.stdout.write(`${environment.DATABASE_MIGRATION_URL ?? environment.DATABASE_URL}\n`);
    return;
  }
  const stopping = process.argv.includes('--stop');
  // A live server would lose its database: claiming its place says so instead.
  const claim = stopping ? acquireServerLock(dataDir) : undefined;
  try {
    const database = await startEmbeddedPostgres({
      dataDir,
      say: (sentence) => process.stderr.write(`${sentence}\n`),
    });
    if (stopping) await database.stop();
    else process.stdout.write(`${database.ownerUrl}\n`);
  } finally {
    claim?.release();
  }
}

main().catch((error: unknown) => {
  const expected = error instanceof ConfigurationError || error instanceof EmbeddedDatabaseError;
  process.stderr.write(`${error instanceof Error && expected ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
