import { AuditService } from '../src/audit/audit.service';
import { inContext } from '../src/common/request-context';
import { QueryEvents } from '../src/database/query-events';
import { StatementWatch } from '../src/monitoring/checklist/statement-watch';
import { startApp, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { hasMeter } from './support/generation';

const UPLOADED = 'POST /api/meters/readings';

describe('the audit trail', () => {
  let app: TestApp;
  const runs: string[] = [];
  beforeAll(async () => {
    app = await startApp();
    app.nest.get(QueryEvents).subscribe(({ text }) => {
      if (text.includes('INSERT INTO audit_logs')) runs.push(text);
    });
  });
  beforeEach(() => runs.splice(0));
  afterAll(() => app.close());

  const afterOf = async (action: string) =>
    (
      await asOwner<{ after: unknown }>(
        app.urls,
        'SELECT after FROM audit_logs WHERE action = $1 ORDER BY id',
        [action],
      )
    ).map(({ after }) => after);

  it('takes all changes of a transaction in one statement, in their order', async () => {
    const audit = app.nest.get(AuditService);
    const numbers = Array.from({ length: 1_000 }, (_, no) => ({ no }));
    await inContext({ work: 'POST /scratch', requestId: 'one' }, () =>
      app.database.transaction((tx) => {
        for (const after of numbers)
          audit.record(tx, null, { action: 'scratch.made', entity: 'scratch', entityId: 'one', after });
        return Promise.resolve();
      }),
    );
    expect(runs).toHaveLength(1);
    expect(await afterOf('scratch.made')).toEqual(numbers);
  });

  it('takes one statement for each batch of an upload, which is none for each of many things', async () => {
    const batches = 12;
    const meter = await hasMeter(app, app.admin);
    const reading = (hour: number) => ({
      meterSerial: meter.serial,
      intervalStart: new Date(Date.UTC(2024, 5, 1, hour)).toISOString(),
      intervalMinutes: 60,
      generatedWh: 5,
      consumedWh: 3,
    });
    // In each batch one that is new, and then the same again.
    const lines = Array.from({ length: batches * 1_000 }, (_, no) => reading(Math.floor(no / 1_000)));
    runs.splice(0);
    const { body } = await app.post('/api/meters/readings', {
      as: app.admin,
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expect(body).toMatchObject({ accepted: batches, rejected: 0 });
    expect(runs).toHaveLength(batches);
    expect((await afterOf('readings.loaded')).slice(0, 2)).toEqual([
      { firstLine: 1, lastLine: 1_000, accepted: 1, revised: 0 },
      { firstLine: 1_001, lastLine: 2_000, accepted: 1, revised: 0 },
    ]);
    const most = app.nest
      .get(StatementWatch)
      .lately()
      .runs.find(({ route }) => route === UPLOADED);
    expect(most?.figure ?? 0).toBeLessThan(5);
  });
});
