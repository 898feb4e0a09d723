import { Client } from 'pg';
import type { DatabaseUrls } from '../../src/database/database.module';
import { readLiveTables, withPartitions, type LiveIndex } from '../../src/database/indexes/live-indexes';

/** Sessions of a database's owner in which tests of index builds meet each other. */
export class IndexLab {
  private clients: Client[] = [];
  private hands: Client | undefined;

  constructor(readonly urls: DatabaseUrls) {}

  /** A session of its own. */
  async session(): Promise<Client> {
    const client = new Client({ connectionString: this.urls.ownerUrl });
    // Some tests have sessions ended by the server.
    client.on('error', () => undefined);
    await client.connect();
    this.clients.push(client);
    return client;
  }

  /** Ends all sessions of a test. */
  async tidy(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.end().catch(() => undefined)));
    this.clients = [];
    this.hands = undefined;
  }

  /** Runs one statement beside everything else. */
  async run(text: string, values?: unknown[]): Promise<any[]> {
    this.hands ??= await this.session();
    return (await this.hands.query(text, values)).rows;
  }

  /** A transaction with an old snapshot, for which every concurrent build has to wait. */
  async holdSnapshot(): Promise<{ release: () => Promise<void> }> {
    const client = await this.session();
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await client.query('SELECT 1');
    return { release: async () => void (await client.query('COMMIT')) };
  }

  /** Waits until a build of this index, or any build, is in a phase that begins like this. */
  async untilPhase(phase: string, index?: string): Promise<number> {
    const client = await this.session();
    for (;;) {
      const { rows } = await client.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase LIKE $1 || '%'
            AND ($2::text IS NULL OR index_relid::regclass::text = $2)`,
        [phase, index ?? null],
      );
      if (rows[0] !== undefined) return rows[0].pid;
    }
  }

  /** Every index of a table and of its partitions, by name. */
  async indexesOf(table: string): Promise<Map<string, LiveIndex>> {
    const tables = await readLiveTables(await this.session(), [table]);
    const all = tables.flatMap(withPartitions).flatMap(({ indexes }) => indexes);
    return new Map(all.map((index) => [index.name, index]));
  }
}
