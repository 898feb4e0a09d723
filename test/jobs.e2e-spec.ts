import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { newId } from '../src/common/id';
import { MailService } from '../src/mail/mail.service';
import { startApp, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { until } from './support/eventually';
import { untilJobsAreDone } from './support/mailbox';

/** Who waits for the table of this queue. */
const FETCHING = `SELECT FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE a.application_name = 'gridtokenx jobs' AND NOT l.granted AND l.relation = $1::regclass`;

describe('jobs', () => {
  let app: TestApp;
  let other: Client;

  beforeAll(async () => {
    app = await startApp();
    other = new Client({ connectionString: app.urls.ownerUrl });
    await other.connect();
  });
  afterAll(async () => {
    await other.end();
    await app.close();
  });

  it('that are fetched while the process ends are done before it ends', async () => {
    await sendsMail(app);
    const outbox = join(app.dataDir, 'outbox');
    for (const file of readdirSync(outbox)) rmSync(join(outbox, file));
    const queue = await queueOf(app);
    await other.query('BEGIN');
    await other.query(`LOCK TABLE ${queue} IN EXCLUSIVE MODE`); // holds up whoever fetches
    const again = await other.query<{ id: string }>(
      `INSERT INTO pgboss.job (name, data) SELECT name, data FROM pgboss.job WHERE name = 'mail' LIMIT 1 RETURNING id`,
    );
    await until(async () => (await asOwner(app.urls, FETCHING, [queue])).length > 0);
    const ended = app.nest.close();
    await until(() => isDown(app));
    await other.query('COMMIT');
    await ended;
    expect(readdirSync(outbox)).toHaveLength(1);
    expect(
      await other.query('SELECT state FROM pgboss.job WHERE id = $1', [again.rows[0]?.id]),
    ).toMatchObject({
      rows: [{ state: 'completed' }],
    });
  });
});

/** The table in which pg-boss keeps the mails to send. */
async function queueOf(app: TestApp): Promise<string> {
  const [queue] = await asOwner<{ table: string }>(
    app.urls,
    `SELECT format('pgboss.%I', partition_name) AS table FROM pgboss.queue WHERE name = 'mail'`,
  );
  return queue?.table as string;
}

async function sendsMail(app: TestApp): Promise<void> {
  const mail = { to: 'neighbour@example.org', subject: `Hello ${newId()}`, text: 'Sun!' };
  await app.database.transaction((tx) => app.nest.get(MailService).send(tx, mail));
  await untilJobsAreDone(app);
}

const isDown = (app: TestApp): Promise<boolean> =>
  fetch(`${app.url}/health/live`).then(
    () => false,
    () => true,
  );
