import type { Client, QueryResultRow } from 'pg';
import { withinDeadline } from '../common/deadline';

const ANSWER_MS = 1_000;

/** The session by which a process listens. Statements go one after the other, whoever asks, and each has a deadline. */
export class ListeningSession {
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly client: Client) {}

  /** @param lost called when it cannot be connected, fails or has ended, perhaps more than once */
  async connect(lost: () => void): Promise<void> {
    this.client.on('error', lost).on('end', lost);
    await this.client.connect();
  }

  /** Hears what is said on any channel that was listened to. */
  onNotification(hear: (channel: string, payload: string) => void): void {
    this.client.on('notification', ({ channel, payload = '' }) => hear(channel, payload));
  }

  /** @throws TooLate where it is not answered within a second */
  async query<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const asked = this.turn.then(() => this.client.query<Row>(text, values));
    this.turn = asked.catch(() => undefined);
    return (await withinDeadline(asked, ANSWER_MS, 'PostgreSQL')).rows;
  }

  /**
   * Ends it; who listens by it is told that it is lost.
   * @throws TooLate where it hangs: it is given up then
   */
  end(): Promise<void> {
    return withinDeadline(this.client.end(), ANSWER_MS, 'PostgreSQL');
  }
}
