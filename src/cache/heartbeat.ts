import { withinDeadline } from '../common/deadline';
import { encodeHeartbeat } from './invalidation-message';

/**
 * What became of a heartbeat: this process heard it; it was sent and did not arrive; or it could not be sent, which says
 * nothing about hearing.
 */
export type Beat = 'heard' | 'missed' | 'unsent';

/**
 * Finds out whether this process hears what is said: it says something itself, the way invalidations go, and listens.
 * A connection that answers proves nothing: a proxy, or a node that left its cluster, answers and passes nothing on.
 */
export class Heartbeat {
  /** To be sent to everybody; to the others it is an invalidation of nothing. */
  readonly text: string;
  private arrive: () => void = () => undefined;
  private isSending = false;

  /**
   * @param me this process
   * @param who passes it on, for people
   * @param deadlineMs for sending it, and again for hearing it
   */
  constructor(
    me: string,
    private readonly who: string,
    private readonly deadlineMs: number,
  ) {
    this.text = encodeHeartbeat(me);
  }

  /** Tells of everything that was heard. */
  heard(text: string): void {
    if (text === this.text) this.arrive();
  }

  /**
   * One at a time. While an earlier one still waits to be sent no other is.
   * @param send sends {@link text} to everybody by another connection than the one that listens
   */
  async beat(send: () => Promise<unknown>): Promise<Beat> {
    if (this.isSending) return 'unsent';
    const arrived = new Promise<void>((resolve) => (this.arrive = resolve));
    try {
      await withinDeadline(this.sending(send), this.deadlineMs, this.who);
    } catch {
      return 'unsent';
    }
    return withinDeadline(arrived, this.deadlineMs, this.who).then(
      () => 'heard',
      () => 'missed',
    );
  }

  /** Nobody waits any more for one that is on its way. */
  stop(): void {
    this.arrive();
  }

  private async sending(send: () => Promise<unknown>): Promise<void> {
    this.isSending = true;
    try {
      await send();
    } finally {
      this.isSending = false;
    }
  }
}
