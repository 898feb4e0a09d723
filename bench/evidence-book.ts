import { Client } from 'pg';
import { loadConfig, readDotEnv } from '../src/config/config';
import { ExplainedError } from '../src/database/explained-error';
import { openDatabase } from '../src/database/open-database';
import { recordEvidence, type Measurement } from '../src/monitoring/checklist/evidence';

/** Where measurements are kept for the performance checklist: the database of this environment. */
export interface EvidenceBook {
  record(measurement: Measurement): Promise<void>;
  /** Leaves the database as it was found. */
  close(): Promise<void>;
}

const NO_BOOK: EvidenceBook = { record: () => Promise.resolve(), close: () => Promise.resolve() };

/**
 * Opens it before anything is measured, so that nobody measures for half an hour in vain.
 * @param isWanted false: nothing is kept, and no database needed
 * @throws ExplainedError when the database is not migrated
 */
export async function openEvidenceBook(
  isWanted: boolean,
  say: (sentence: string) => void,
): Promise<EvidenceBook> {
  if (!isWanted) return NO_BOOK;
  readDotEnv();
  const database = await openDatabase(loadConfig(process.env), 'command', say);
  try {
    await refuseUnlessMigrated(database.ownerUrl);
  } catch (error) {
    await database.close();
    throw error;
  }
  return {
    async record(measurement) {
      await recordEvidence(database.ownerUrl, measurement);
      say('Recorded for npm run doctor');
    },
    close: () => database.close(),
  };
}

async function refuseUnlessMigrated(ownerUrl: string): Promise<void> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ here: boolean }>(
      `SELECT to_regclass('performance_evidence') IS NOT NULL AS here`,
    );
    if (rows[0]?.here !== true)
      throw new ExplainedError(
        'The database of this environment has no table for what is measured: run npm run db:migrate first, or do not record',
      );
  } finally {
    await client.end();
  }
}
