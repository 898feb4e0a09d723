import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VACANT_PORT } from './support/free-port';
import { ADMIN, postJson, ServerProcess, takenPort, temporaryFolder } from './support/server-process';

const ALREADY_USES =
  /^Another GridTokenX server \(pid \d+\) already uses DATA_DIR \S+: stop it or choose another/m;

/** A CSV upload that goes on until it is told to end. */
function slowUpload(serial: string) {
  let finish: () => void = () => undefined;
  const told = new Promise<void>((resolve) => (finish = resolve));
  const text = new TextEncoder();
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(
        text.encode('meter_serial,interval_start,interval_minutes,generated_wh,consumed_wh\n'),
      );
      controller.enqueue(text.encode(`${serial},${startOf(2)},15,100,20\n`));
      await told;
      controller.enqueue(text.encode(`${serial},${startOf(1)},15,100,20\n`));
      controller.close();
    },
  });
  return { body, finish };
}

/** The beginning of a day that is over. */
function startOf(daysAgo: number): string {
  return `${new Date(Date.now() - daysAgo * 86_400_000).toISOString().slice(0, 10)}T00:00:00.000Z`;
}

const isListening = (url: string): Promise<boolean> =>
  fetch(`${url}/health/live`).then(
    ({ ok }) => ok,
    () => false,
  );

describe('a server process with an embedded database', () => {
  const folder = temporaryFolder();
  const variables = { DATA_DIR: folder.path, ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password };
  let server: ServerProcess;
  let url: string;
  let token: string;

  const start = async () => {
    server = new ServerProcess(variables);
    url = await server.ready();
    const login = { identifier: ADMIN.email, password: ADMIN.password };
    token = (await postJson(`${url}/api/auth/login`, login)).accessToken;
  };
  beforeAll(start);
  afterAll(async () => {
    await server.stop();
    folder.remove();
  });

  it('keeps everything when it is killed, and needs no hand to start again', async () => {
    await postJson(`${url}/api/organizations`, { name: 'Before the crash' }, token);
    expect(await server.stop('SIGKILL')).toBe('SIGKILL');
    await start();
    const answer = await fetch(`${url}/api/organizations`, { headers: { authorization: `Bearer ${token}` } });
    expect(await answer.json()).toMatchObject({ items: [{ name: 'Before the crash' }] });
  });

  it('is alone in its DATA_DIR: a second one says so and ends', async () => {
    const second = new ServerProcess(variables);
    expect(await second.exit()).toBe(1);
    expect(second.said).toMatch(ALREADY_USES);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  });

  it('answers 503 when its PostgreSQL is killed, and starts it again', async () => {
    const postmaster = () =>
      Number(readFileSync(join(folder.path, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
    const ends = () => server.said.split('PostgreSQL ended without being told to').length - 1;
    const statuses = new Set<number>();
    let killed = 0;
    // Again where this process stood still for as long as the server was without it.
    for (let kills = 1; kills <= 5 && !statuses.has(503); kills++) {
      killed = postmaster();
      process.kill(killed, 'SIGKILL');
      for (let last = 0; last !== 200 || ends() < kills; statuses.add(last)) {
        ({ status: last } = await fetch(`${url}/api/trading/trades?limit=1`));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    expect([...statuses].sort()).toEqual([200, 503]);
    expect(postmaster()).not.toBe(killed);
    expect(ends()).toBeGreaterThan(0);
  });

  it('tells neither passwords nor secrets', () => {
    const secret = readFileSync(join(folder.path, 'jwt-secret'), 'utf8');
    const passwords = JSON.parse(
      readFileSync(join(folder.path, 'database-passwords.json'), 'utf8'),
    ) as object;
    for (const word of [ADMIN.password, secret, token, ...Object.values(passwords)])
      expect(server.said).not.toContain(word);
  });

  it('finishes what is in flight on SIGTERM, and ends within ten seconds', async () => {
    const serial = `SLOW-${Date.now()}`;
    const meter = { serial, zone: 'north', energySource: 'solar', capacityKw: '5.000', timeZone: 'UTC' };
    await postJson(`${url}/api/meters`, meter, token);
    const upload = slowUpload(serial);
    const answer = fetch(`${url}/api/meters/readings`, {
      method: 'POST',
      headers: { 'content-type': 'text/csv', authorization: `Bearer ${token}` },
      body: upload.body,
      duplex: 'half',
    });
    while (!/^http_requests_in_flight 2$/m.test(await (await fetch(`${url}/metrics`)).text()));
    const told = performance.now();
    server.kill('SIGTERM');
    while (!server.said.includes('finishing what is in flight'))
      await new Promise((resolve) => setTimeout(resolve, 10));
    while (await isListening(url)) await new Promise((resolve) => setTimeout(resolve, 10));
    upload.finish();
    const { headers } = await answer;
    expect(await (await answer).json()).toMatchObject({ accepted: 2, rejected: 0 });
    // Else the client would keep the connection, and the server wait for it until its time is over.
    expect(headers.get('connection')).toBe('close');
    expect(await server.exit()).toBe(0);
    expect(performance.now() - told).toBeLessThan(10_000);
  });
});

describe('a server process that cannot serve', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  const refusal = async (variables: Record<string, string>) => {
    const server = new ServerProcess({ DATA_DIR: join(folder.path, 'data'), ...variables });
    expect(await server.exit()).toBe(1);
    expect(server.said).not.toMatch(/^ +at /m);
    expect(server.said).not.toContain('sekrit');
    return server.said;
  };

  it('says that its port is taken', async () => {
    const { port, free } = await takenPort();
    expect(await refusal({ PORT: String(port) })).toMatch(
      new RegExp(
        `^Port ${port} on 127.0.0.1 is taken: stop what listens there, or choose another PORT$`,
        'm',
      ),
    );
    free();
  });

  it('says that its database cannot be reached', async () => {
    const external = { JWT_SECRET: 'sekrit of thirty-two characters or more' };
    const DATABASE_URL = `postgres://app:sekrit@127.0.0.1:${VACANT_PORT}/market`;
    expect(await refusal({ ...external, DATABASE_URL })).toMatch(
      /^PostgreSQL at 127\.0\.0\.1:1\/market cannot be reached \(.*\): check DATABASE_URL .*\n$/,
    );
  });
});
