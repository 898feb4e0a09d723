import { once } from 'node:events';
import { request, type ClientRequest } from 'node:http';
import { startApp, type Answer, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { until } from './support/eventually';
import { hasMeter, type TestMeter } from './support/generation';

const HEADER = 'meter_serial,interval_start,interval_minutes,generated_wh,consumed_wh';
const CSV = { 'content-type': 'text/csv; charset=utf-8' };
const NDJSON = { 'content-type': 'application/x-ndjson' };

describe('uploads of readings', () => {
  let app: TestApp;
  let owner: Person;

  beforeAll(async () => {
    app = await startApp();
    owner = await app.registers();
  });
  afterAll(() => app.close());

  const line = ({ serial }: TestMeter, index: number, generated: number | string = 5, minutes = 15): string =>
    `${serial},${new Date(Date.UTC(2021, 6, 1) + index * minutes * 60_000).toISOString()},${minutes},${generated},3`;

  const upload = (body: unknown, headers: Record<string, string> = CSV, to: TestApp = app): Promise<Answer> =>
    to.post('/api/meters/readings', { as: app.admin, body, headers });

  const csvOf = (meter: TestMeter, count: number): string =>
    [HEADER, ...Array.from({ length: count }, (_, index) => line(meter, index))].join('\n');

  async function kept({ id }: TestMeter): Promise<number> {
    const rows = await asOwner<{ count: string }>(
      app.urls,
      'SELECT count(*) AS count FROM meter_readings WHERE meter_id = $1',
      [id],
    );
    return Number(rows[0]?.count);
  }

  it('with damage say which lines are bad, and take all others', async () => {
    const meter = await hasMeter(app, owner);
    const { serial } = meter;
    const lines = [
      `\ufeff${HEADER}`, //                                     1
      line(meter, 0), //                                        2
      '', //                                                    3: blank
      line(meter, 0), //                                        4: the same again
      'rubbish', //                                             5
      line(meter, 1, -5), //                                    6
      `"${serial}","2021-07-01T00:30:00+00:00","15","6","3"`, // 7: quoted
      `"${serial},2021-07-01T00:45:00Z,15,6,3`, //              8: a quote that is never closed
      line(meter, 4), //                                        9
      line(meter, 4, 9), //                                     10: other figures
      `${serial},2999-01-01T00:00:00Z,15,6,3`, //               11
      `${serial},2021-07-01T02:00:00,15,6,3`, //                12: no offset
      'x'.repeat(9_000), //                                     13: too long
      `NOBODY,2021-07-01T02:00:00Z,15,6,3`, //                  14
      line(meter, 5), //                                        15: no line feed after it
    ];
    const { status, body } = await upload(lines.join('\r\n'));
    expect(status).toBe(200);
    expect(body).toMatchObject({ accepted: 4, duplicates: 1, revised: 1, rejected: 7 });
    expect(body.errors.map((error: { line: number; code: string }) => [error.line, error.code])).toEqual([
      [5, 'MALFORMED_LINE'],
      [6, 'NEGATIVE_ENERGY'],
      [8, 'MALFORMED_LINE'],
      [11, 'IN_FUTURE'],
      [12, 'MALFORMED_LINE'],
      [13, 'MALFORMED_LINE'],
      [14, 'UNKNOWN_METER'],
    ]);
    expect(await kept(meter)).toBe(4);
  });

  it('list the first hundred errors, and count all', async () => {
    const meter = await hasMeter(app, owner);
    const bad = Array.from({ length: 1_500 }, (_, index) =>
      index % 2 === 0 ? 'rubbish' : line(meter, index, -1),
    );
    const { body } = await upload([HEADER, ...bad, line(meter, 0)].join('\n'));
    expect(body).toMatchObject({ accepted: 1, rejected: 1_500 });
    expect(body.errors.map((error: { line: number }) => error.line)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 2),
    );
  });

  it('want a header that names the columns', async () => {
    const wrong = await upload('serial;start;minutes\nx;y;z');
    expect([wrong.status, wrong.body.code]).toEqual([400, 'INVALID_CSV_HEADER']);
    expect(wrong.body.detail).toContain(
      'meter_serial, interval_start, interval_minutes, generated_wh, consumed_wh',
    );
    expect((await upload('')).status).toBe(400);
    expect((await upload(HEADER)).body).toEqual({
      accepted: 0,
      duplicates: 0,
      revised: 0,
      rejected: 0,
      errors: [],
    });
    expect((await upload('\n\n', NDJSON)).body).toMatchObject({ accepted: 0, rejected: 0 });
  });

  it('of any length are taken as they come, far past the limit of a body', async () => {
    const meter = await hasMeter(app, owner);
    const lines = 50_000;
    let sent = 0;
    const encoder = new TextEncoder();
    const body = new ReadableStream({
      pull(controller) {
        if (sent === 0) controller.enqueue(encoder.encode(`${HEADER}\n`));
        // A day's readings over and over: many lines, few rows.
        for (const end = Math.min(sent + 500, lines); sent < end; sent++) {
          controller.enqueue(encoder.encode(`${line(meter, sent % 96)}\n`));
        }
        if (sent === lines) controller.close();
      },
    });
    const answer = await upload(body);
    expect(answer.body).toEqual({
      accepted: 96,
      duplicates: lines - 96,
      revised: 0,
      rejected: 0,
      errors: [],
    });
  });

  it('count themselves', async () => {
    const counts = async () => {
      const { body } = await app.get('/metrics');
      const of = (result: string) =>
        Number(
          new RegExp(`^meter_readings_total\\{result="${result}"\\} (\\d+)$`, 'm').exec(body as string)?.[1],
        );
      return ['accepted', 'duplicate', 'revised', 'rejected'].map(of);
    };
    const meter = await hasMeter(app, owner);
    await upload([HEADER, line(meter, 0)].join('\n'));
    const before = await counts();
    await upload([HEADER, line(meter, 0), line(meter, 0, 6), line(meter, 1), 'rubbish'].join('\n'));
    const after = await counts();
    expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual([1, 1, 1, 1]);
  });

  describe('at the same time', () => {
    let second: TestApp;
    beforeAll(async () => {
      second = await startApp({}, app.urls);
    });
    afterAll(() => second.close());

    it('accept each reading exactly once between them, in several processes too', async () => {
      const meter = await hasMeter(app, owner);
      const body = csvOf(meter, 2_500);
      const answers = await Promise.all([app, second, app, second].map((to) => upload(body, CSV, to)));
      const sum = (of: 'accepted' | 'duplicates') =>
        answers.reduce((all, answer) => all + (answer.body[of] as number), 0);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      expect(sum('accepted')).toBe(2_500);
      expect(sum('duplicates')).toBe(7_500);
      expect(await kept(meter)).toBe(2_500);
    });

    it('of the same meters in opposite order do not stand in each other’s way', async () => {
      const meters = [await hasMeter(app, owner), await hasMeter(app, owner), await hasMeter(app, owner)];
      const lines = meters.flatMap((meter) => Array.from({ length: 300 }, (_, index) => line(meter, index)));
      const there = [HEADER, ...lines].join('\n');
      const back = [HEADER, ...[...lines].reverse()].join('\n');
      const answers = await Promise.all(
        [there, back, there, back].map((body, at) => upload(body, CSV, at % 2 ? second : app)),
      );
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      expect(answers.reduce((all, answer) => all + (answer.body.accepted as number), 0)).toBe(900);
    });

    it('settle one interval length for a meter, whichever comes first', async () => {
      const meter = await hasMeter(app, owner);
      const answers = await Promise.all(
        [15, 30, 60, 15, 30, 60].map((minutes, at) =>
          upload([HEADER, line(meter, 24 + at, 5, minutes)].join('\n'), CSV, at % 2 ? second : app),
        ),
      );
      const { body } = await app.get(`/api/meters/${meter.id}`, { as: owner });
      const rows = await asOwner<{ interval_minutes: number }>(
        app.urls,
        'SELECT DISTINCT interval_minutes FROM meter_readings WHERE meter_id = $1',
        [meter.id],
      );
      expect(rows).toEqual([{ interval_minutes: body.intervalMinutes }]);
      const refused = answers.flatMap((answer) =>
        answer.body.errors.map(({ code }: { code: string }) => code),
      );
      expect(refused).toEqual(Array.from({ length: 4 }, () => 'INTERVAL_LENGTH_CHANGED'));
    });
  });

  describe('that break off', () => {
    function begin(): ClientRequest {
      const { hostname, port } = new URL(app.url);
      const sending = request({
        hostname,
        port,
        method: 'POST',
        path: '/api/meters/readings',
        headers: { ...CSV, authorization: `Bearer ${app.admin.token}` },
      });
      sending.on('error', () => undefined);
      return sending;
    }

    it('keep what was complete by then, and take the rest the next time', async () => {
      const meter = await hasMeter(app, owner);
      const body = csvOf(meter, 1_500);
      const sending = begin();
      const closed = new Promise((resolve) => sending.once('close', resolve));
      sending.write(body);
      await until(async () => (await kept(meter)) === 1_000);
      sending.destroy();
      await closed;
      expect((await app.get('/health/live')).status).toBe(200);
      expect((await upload(body)).body).toMatchObject({ accepted: 500, duplicates: 1_000, rejected: 0 });
    });

    it('are answered at once when they are wrong, however much is still to come', async () => {
      const sending = begin();
      sending.write('no header\n');
      const [response] = (await once(sending, 'response')) as [{ statusCode: number; resume(): void }];
      expect(response.statusCode).toBe(400);
      response.resume();
      sending.destroy();
    });
  });
});
