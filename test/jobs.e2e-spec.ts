import { execFile } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
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

  it('that all wait for the database let node warn of nothing, and wait no more once the process ends', async () => {
    const { stdout, stderr } = await run(process.execPath, ['--eval', MANY_WAIT]);
    expect([stdout, stderr]).toEqual(['20 gave up', '']);
  });
});

const run = promisify(execFile);
const JOBS = join(__dirname, '../dist/src/jobs');
/**
 * Twenty statements that try again twice where every connection is cut: in a process of its own, since Jest keeps to
 * itself what node warns of.
 */
const MANY_WAIT = `
  const { createServer } = require('node:net');
  const { InFlight } = require('${JOBS}/in-flight.js');
  const { JobsDatabase } = require('${JOBS}/jobs-database.js');
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1', async () => {
    let failures = 0;
    const complain = () => { if (++failures === 60) database.stopWaiting(); };
    const url = 'postgres://127.0.0.1:' + server.address().port + '/none';
    const database = new JobsDatabase(url, complain, new InFlight());
    const statements = Array.from({ length: 20 }, () => database.executeSql('SELECT 1'));
    const answers = await Promise.all(statements);
    process.stdout.write(answers.filter((answer) => answer === undefined).length + ' gave up');
    server.close();
  });
`;

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
