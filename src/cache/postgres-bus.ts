import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { newId } from '../common/id';
import type { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { Heartbeat, type Beat } from './heartbeat';
import type { BusListener, Invalidation, InvalidationBus } from './invalidation-bus';
import { ListeningSession } from './listening-session';
import { decodeInvalidation, encodeInvalidation } from './invalidation-message';
import { PostgresCompany } from './postgres-company';

const CHANNEL = 'gridtokenx_cache';
/** PostgreSQL takes less than 8000 bytes. */
const MAX_BYTES = 7_900;
const CONNECT_MS = 5_000;
/** How often it is found out whether it still hears, and how long hearing may take. */
const HEARTBEAT_MS = 1_000;
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 2_000;

const NOTIFY = `SELECT pg_notify('${CHANNEL}', text) FROM unnest($1::text[]) AS text`;
/** Commits that notify wait for each other: this one lets them wait for no disk. */
const NOTIFY_MYSELF = `SELECT set_config('synchronous_commit', 'off', true), pg_notify('${CHANNEL}', $1)`;

/**
 * Carries invalidations by PostgreSQL's LISTEN and NOTIFY, for several processes without Redis. What a transaction
 * changed is told as part of it: delivered with the commit, and not at all without one. It listens only once it has heard
 * itself: behind PgBouncer in transaction mode LISTEN is answered, and nothing ever arrives. A process that is alone says
 * nothing.
 */
export class PostgresBus implements InvalidationBus {
  private readonly me = newId();
  private readonly company: PostgresCompany;
  private readonly heartbeat = new Heartbeat(this.me, 'PostgreSQL', HEARTBEAT_MS);
  private readonly logger = new Logger('Cache');
  private listener: BusListener | undefined;
  private session: ListeningSession | undefined;
  private isListening = false;
  private pauseMs = FIRST_PAUSE_MS;
  private timer: NodeJS.Timeout | undefined;
  private complained = false;
  private closed = false;

  /**
   * @param url leads to PostgreSQL itself, into the same database as `database`
   * @param database the way that invalidations go
   * @param mayBeAlone whether this process has the database to itself as long as no other one comes
   */
  constructor(
    private readonly url: string,
    private readonly database: DatabaseService,
    mayBeAlone = false,
  ) {
    this.company = new PostgresCompany(mayBeAlone);
  }

  start(listener: BusListener): void {
    this.listener = listener;
    listener.lost();
    void this.connect();
  }

  async publish(invalidation: Invalidation): Promise<void> {
    if (this.company.isAlone) return;
    await this.database.query(NOTIFY, [encodeInvalidation(this.me, invalidation, MAX_BYTES)]);
  }

  readonly publishWith = async (tx: Transaction, invalidation: Invalidation): Promise<void> => {
    if (this.company.isAlone) return;
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
    const session = new ListeningSession(client);
    this.session = session;
    const lost = () => this.lose(session);
    session.onNotification((channel, text) => {
      if (channel === CHANNEL) this.hear(text);
    });
    try {
      await session.connect(lost);
      await session.query(`LISTEN ${CHANNEL}`);
      await this.company.enter(session, () => this.session === session && !this.closed);
      const beat = this.company.isAlone ? 'heard' : await this.beat();
      if (this.session !== session || this.closed) return;
      if (beat !== 'heard') return this.stayDeaf(session, beat);
      this.pauseMs = FIRST_PAUSE_MS;
      this.complained = false;
      this.isListening = true;
      this.listener?.listening();
      this.watch(session);
    } catch {
      lost(); // the database is away: whoever asks it next says so
    }
  }

  private beat(): Promise<Beat> {
    return this.heartbeat.beat(() => this.database.query(NOTIFY_MYSELF, [this.heartbeat.text]));
  }

  private stayDeaf(session: ListeningSession, beat: Beat): void {
    if (beat === 'missed' && !this.complained) {
      this.complained = true;
      this.logger.warn(
        'Nothing is cached: notifications do not arrive. Let DATABASE_MIGRATION_URL (DATABASE_URL without it) lead to PostgreSQL itself, not to PgBouncer, and into the same database as DATABASE_URL',
      );
    }
    this.lose(session);
  }

  private hear(text: string): void {
    this.heartbeat.heard(text);
    const invalidation = decodeInvalidation(this.me, text);
    if (invalidation !== undefined) this.listener?.heard(invalidation);
  }

  private watch(session: ListeningSession): void {
    this.timer = setTimeout(() => {
      void this.hears(session).then((hears) => {
        if (this.session !== session || this.closed) return;
        if (hears) this.watch(session);
        else this.lose(session);
      });
    }, HEARTBEAT_MS);
    this.timer.unref();
  }

  /** Where the application's connections are all busy, or away, it is enough that this one lives. */
  private async hears(session: ListeningSession): Promise<boolean> {
    try {
      await this.company.look(session);
    } catch {
      return false;
    }
    return this.company.isAlone || (await this.beat()) !== 'missed';
  }

  private lose(session: ListeningSession): void {
    if (this.session !== session || this.closed) return;
    if (this.isListening)
      this.logger.warn('Invalidations of other processes do not arrive: nothing is cached until they do');
    void this.discard();
    this.timer = setTimeout(() => void this.connect(), this.pauseMs);
    this.timer.unref();
    this.pauseMs = Math.min(this.pauseMs * 2, LAST_PAUSE_MS);
  }

  private async discard(): Promise<void> {
    clearTimeout(this.timer);
    this.heartbeat.stop();
    const { session } = this;
    this.session = undefined;
    this.company.leave();
    if (this.isListening) this.listener?.lost();
    this.isListening = false;
    await session?.end().catch(() => undefined); // one that was cut off is at its end already
  }
}
