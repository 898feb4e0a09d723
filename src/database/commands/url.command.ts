import { Command } from 'commander';
import { loadConfig, readDotEnv } from '../../config/config';
import { startEmbeddedPostgres } from '../embedded/embedded-postgres';
import { acquireServerLock } from '../embedded/server-lock';
import { explain } from '../explained-error';

const { stop: stopping } = new Command('npm run db:url --')
  .description(
    'Prints how psql reaches the database, as its owner: psql "$(npm run --silent db:url)". An embedded database ' +
      'that is not running is started, and stays until npm start takes it over or --stop stops it.',
  )
  .option('--stop', 'stop the embedded database instead', false)
  .showHelpAfterError('Try: npm run db:url -- --help')
  .parse()
  .opts<{ stop: boolean }>();

/** Prints the owner's URL; an embedded database is left running, else the URL would lead nowhere. */
async function main(): Promise<void> {
  readDotEnv();
  const { embedded, dataDir, environment } = loadConfig(process.env);
  if (!embedded) {
    process.stdout.write(`${environment.DATABASE_MIGRATION_URL ?? environment.DATABASE_URL}\n`);
    return;
  }
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
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});
