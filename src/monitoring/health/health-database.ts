import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'pg';
import { DATABASE_URLS, type DatabaseUrls } from '../../database/database.module';

/** Of a part of the deep check, which is told of as late at that time; the server stops its statement too. */
export const PART_DEADLINE_MS = 2_000;
/** Of the question whether this process can work, which is asked every two seconds at most. */
export const PROBE_DEADLINE_MS = 1_500;

/** pg's own limits free connections that hang; those who ask have given up by then. */
const LONGER_MS = 500;

const APPLICATION = 'gridtokenx health';
const READERS = 2;
/** Longer than probes are apart, mostly. */
const PROBE_IDLE_MS = 60_000;
const READER_IDLE_MS = 10_000;

/**
 * Connections that nobody else uses up. A pool that is busy, or reports that take long, are not an outage: a process that
 * called itself away for them would leave its load to the others, until all of them are away.
 */
@Injectable()
export class HealthDatabase implements OnApplicationShutdown {
  private readonly probe: Pool;
  private readonly readers: Pool;

  constructor(@Inject(DATABASE_URLS) { applicationUrl, ownerUrl }: DatabaseUrls) {
    this.probe = new Pool({
      connectionString: applicationUrl,
      application_name: APPLICATION,
      max: 1,
      idleTimeoutMillis: PROBE_IDLE_MS,
      connectionTimeoutMillis: PROBE_DEADLINE_MS + LONGER_MS,
      query_timeout: PROBE_DEADLINE_MS + LONGER_MS,
    });
    this.readers = new Pool({
      connectionString: ownerUrl,
      application_name: APPLICATION,
      max: READERS,
      idleTimeoutMillis: READER_IDLE_MS,
      connectionTimeoutMillis: PART_DEADLINE_MS + LONGER_MS,
      query_timeout: PART_DEADLINE_MS + LONGER_MS,
      statement_timeout: PART_DEADLINE_MS,
      options: '-c default_transaction_read_only=on',
    });
    // Whoever asks next is told.
    for (const pool of [this.probe, this.readers]) pool.on('error', () => undefined);
  }

  /** A statement of the application's role, as its own work would be one. */
  async probeQuery<Row>(text: string): Promise<Row[]> {
    return (await this.probe.query(text)).rows as Row[];
  }

  /** A statement of the owner that changes nothing. */
  async query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.readers.query(text, [...values])).rows as Row[];
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.probe.end(), this.readers.end()]);
  }
}
