import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { newId } from '../common/id';
import type { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { withinDeadline } from './deadline';
import type { BusListener, Invalidation, InvalidationBus } from './invalidation-bus';
import { decodeInvalidation, encodeInvalidation } from './invalidation-message';

const CHANNEL = 'gridtokenx_cache';
/** PostgreSQL takes less than 8000 bytes. */
const MAX_BYTES = 7_900;
const CONNECT_MS = 5_000;
/** How often it is asked whether it still listens, and how long an answer may take. */
const HEARTBEAT_MS = 1_000;
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 2_000;

const NOTIFY = `SELECT pg_notify('${CHANNEL}', text) FROM unnest($1::text[]) AS text`;

/**
 * Carries invalidations by PostgreSQL's LISTEN and NOTIFY, for several processes without Redis. What a transaction
 * changed is told as part of it: delivered with the commit, and not at all without one.
 */
export class PostgresBus implements InvalidationBus {
  private readonly me = newId();
  private readonly logger = new Logger('Cache');
  private listener: BusListener | undefined;
  private client: Client | undefined;
  private isListening = false;
  private pauseMs = FIRST_PAUSE_MS;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly url: string,
    private readonly database: DatabaseService,
  ) {}

  start(listener: BusListener): void {
    this.listener = listener;
    listener.lost();
    void this.connect();
  }

  async publish(invalidation: Invalidation): Promise<void> {
    await this.database.query(NOTIFY, [encodeInvalidation(this.me, invalidation, MAX_BYTES)]);
  }

  readonly publishWith = async (tx: Transaction, invalidation: Invalidation): Promise<void> => {
    await tx.query(NOTIFY, [encodeInvalidation(this.me, invalidation, MAX_BYTES)]);
  };

  async close(): Promise<void> {
    this.closed = true;
    await this.discard();
  }

  private async connect(): Promise<void> {
    const client = new Client({
      connectionString: this.url,
      connectionTimeoutMillis: CONNECT_MS,
      application_name: 'gridtokenx cache',
      keepAlive: true,
    });
    this.client = client;
    const lost = () => this.lose(client);
    client.on('error', lost).on('end', lost);
    client.on('notification', ({ payload = '' }) => this.hear(payload));
    try {
      await client.connect();
      await withinDeadline(client.query(`LISTEN ${CHANNEL}`), HEARTBEAT_MS, 'PostgreSQL');
      if (this.client !== client || this.closed) return;
      this.pauseMs = FIRST_PAUSE_MS;
      this.isListening = true;
      this.listener?.listening();
      this.watch(client);
    } catch {
      lost(); // the database is away: whoever asks it next says so
    }
  }

  private hear(text: string): void {
    const invalidation = decodeInvalidation(this.me, text);
    if (invalidation !== undefined) this.listener?.heard(invalidation);
  }

  private watch(client: Client): void {
    this.timer = setTimeout(() => {
      void withinDeadline(client.query('SELECT 1'), HEARTBEAT_MS, 'PostgreSQL').then(
        () => this.client === client && this.watch(client),
        () => this.lose(client),
      );
    }, HEARTBEAT_MS);
    this.timer.unref();
  }

  private lose(client: Client): void {
    if (this.client !== client || this.closed) return;
    if (this.isListening)
      this.logger.warn('Invalidations of other processes do not arrive: nothing is cached until they do');
    void this.discard();
    this.timer = setTimeout(() => void this.connect(), this.pauseMs);
    this.timer.unref();
    this.pauseMs = Math.min(this.pauseMs * 2, LAST_PAUSE_MS);
  }

  private async discard(): Promise<void> {
    clearTimeout(this.timer);
    const client = this.client;
    this.client = undefined;
    if (this.isListening) this.listener?.lost();
    this.isListening = false;
    if (client === undefined) return;
    // One that was cut off is at its end already; one that hangs ends nothing any more.
    await withinDeadline(client.end(), HEARTBEAT_MS, 'PostgreSQL').catch(() => undefined);
  }
}
