import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import type { BusListener } from '../src/cache/invalidation-bus';
import { PostgresBus } from '../src/cache/postgres-bus';
import type { DatabaseService } from '../src/database/database.service';
import { startApp } from './support/app';
import { until } from './support/cache-lab';
import { asOwner, emptyDatabase } from './support/database';
import { openDatabaseService } from './support/database-service';

const NOTIFICATION = 'A'.charCodeAt(0);
/** Type and length of a message. */
const HEADER_BYTES = 5;

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  jest.restoreAllMocks();
});

interface Way {
  /** What goes on to the server of this; undefined: nothing more ever. */
  readonly there?: (data: Buffer) => Buffer | undefined;
  readonly back?: (data: Buffer) => Buffer;
}

/** A way to a server that changes what goes by it, on each connection in its own way. @returns its URL */
async function lineTo(url: string, wayOfOne: () => Way): Promise<string> {
  const { hostname, port } = new URL(url);
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    const { there = (data) => data, back = (data) => data } = wayOfOne();
    near.on('data', (data: Buffer) => {
      const rest = there(data);
      if (rest !== undefined) far.write(rest);
    });
    far.on('data', (data: Buffer) => near.write(back(data)));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('error', () => undefined).on('close', () => other.destroy());
    sockets.push(near, far);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const line = new URL(url);
  line.hostname = '127.0.0.1';
  line.port = String((server.address() as AddressInfo).port);
  return line.toString();
}

/** As PgBouncer in transaction mode is: everything is answered, and no notification ever passed on. */
function withoutNotifications(isDeaf: () => boolean): Way {
  let kept = Buffer.alloc(0);
  return {
    back(data) {
      kept = Buffer.concat([kept, data]);
      const passed: Buffer[] = [];
      while (kept.length >= HEADER_BYTES) {
        const end = 1 + kept.readUInt32BE(1);
        if (kept.length < end) break;
        if (kept[0] !== NOTIFICATION || !isDeaf()) passed.push(kept.subarray(0, end));
        kept = kept.subarray(end);
      }
      return Buffer.concat(passed);
    },
  };
}

class Ears implements BusListener {
  isListening = false;
  timesLost = 0;
  readonly messages: unknown[] = [];

  listening(): void {
    this.isListening = true;
  }

  lost(): void {
    this.isListening = false;
    this.timesLost++;
  }

  heard(message: unknown): void {
    this.messages.push(message);
  }
}

async function databaseAt(url: string): Promise<DatabaseService> {
  const { database, close } = await openDatabaseService(url, { DB_POOL_MAX: '2', DB_POOL_MIN: '1' });
  closing.push(close);
  return database;
}

function busAt(url: string, database: DatabaseService): { bus: PostgresBus; ears: Ears } {
  const bus = new PostgresBus(url, database);
  const ears = new Ears();
  closing.push(() => bus.close());
  bus.start(ears);
  return { bus, ears };
}

/** When the connection that listens was asked something last. */
async function askedAt(ownerUrl: string): Promise<string | undefined> {
  const [row] = await asOwner<{ at: string }>(
    { ownerUrl, applicationUrl: ownerUrl },
    `SELECT query_start::text AS at FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'gridtokenx cache'`,
  );
  return row?.at;
}

describe('a process that listens by PostgreSQL', () => {
  it('connects again where LISTEN is never answered', async () => {
    const { ownerUrl } = await emptyDatabase();
    const database = await databaseAt(ownerUrl);
    let lost = 0;
    const url = await lineTo(ownerUrl, () => {
      let isHanging = false;
      return {
        there(data) {
          if (data.includes('LISTEN') && lost === 0) {
            lost++;
            isHanging = true;
          }
          return isHanging ? undefined : data;
        },
      };
    });
    const { ears } = busAt(url, database);
    await until(() => ears.isListening, 'listening');
    expect(lost).toBe(1);
    await busAt(ownerUrl, database).bus.publish({ tags: ['a tag'] });
    const heard = () => ears.messages.find((message) => JSON.stringify(message).includes('a tag'));
    await until(heard, 'the message');
    expect(heard()).toEqual({ tags: ['a tag'] });
  });

  it('keeps nothing while no notification arrives, whatever else is answered, and says why', async () => {
    const { ownerUrl } = await emptyDatabase();
    const database = await databaseAt(ownerUrl);
    const warnings = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    let isDeaf = true;
    const url = await lineTo(ownerUrl, () => withoutNotifications(() => isDeaf));
    const { ears } = busAt(url, database);
    await until(() => warnings.mock.calls.length > 0, 'a warning');
    expect(warnings.mock.calls[0]?.[0]).toMatch(/DATABASE_MIGRATION_URL.*not to PgBouncer/);
    expect(ears.isListening).toBe(false);
    isDeaf = false;
    await until(() => ears.isListening, 'listening');
    expect(warnings).toHaveBeenCalledTimes(1);
  });

  it('notices when notifications stop arriving, and connects again', async () => {
    const { ownerUrl } = await emptyDatabase();
    const database = await databaseAt(ownerUrl);
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    let isDeaf = false;
    const url = await lineTo(ownerUrl, () => withoutNotifications(() => isDeaf));
    const { ears } = busAt(url, database);
    await until(() => ears.isListening, 'listening');
    expect(ears.timesLost).toBe(1); // before it listened
    isDeaf = true;
    await until(() => !ears.isListening, 'the loss');
    isDeaf = false;
    await until(() => ears.isListening, 'listening again');
  });

  it('goes on while the connections of the application are all busy', async () => {
    const { ownerUrl } = await emptyDatabase();
    const database = await databaseAt(ownerUrl);
    const { ears } = busAt(ownerUrl, database);
    await until(() => ears.isListening, 'listening');
    let letGo = (): void => undefined;
    const told = new Promise<void>((resolve) => (letGo = resolve));
    let begun = 0;
    const hold = () => database.transaction(() => (begun++, told));
    const holding = [hold(), hold()];
    await until(() => begun === holding.length, 'two transactions');
    await until(() => database.poolState().waiting === 1, 'a heartbeat that waits');
    for (let beat = 0; beat < 2; beat++) {
      const before = await askedAt(ownerUrl);
      await until(async () => (await askedAt(ownerUrl)) !== before, 'the next heartbeat');
    }
    expect(database.poolState().waiting).toBe(1);
    expect(ears).toMatchObject({ isListening: true, timesLost: 1 });
    letGo();
    await Promise.all(holding);
  });

  it('does so as the owner, since the way of the application may be PgBouncer', async () => {
    const app = await startApp();
    closing.push(() => app.close());
    const roles = await asOwner<{ usename: string }>(
      app.urls,
      `SELECT usename FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'gridtokenx cache'`,
    );
    expect(roles).toEqual([{ usename: new URL(app.urls.ownerUrl).username }]);
  });
});
