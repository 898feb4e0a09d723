import { createTransport } from 'nodemailer';
import type { Postbox, StampedMail } from './postbox';

const CONNECT_MS = 10_000;
const ANSWER_MS = 20_000;

/** Hands mails to a mail server. */
export class SmtpPostbox implements Postbox {
  private readonly transport;

  constructor(
    url: string,
    private readonly from: string,
  ) {
    this.transport = createTransport({
      url,
      connectionTimeout: CONNECT_MS,
      greetingTimeout: CONNECT_MS,
      socketTimeout: ANSWER_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }

  async deliver({ id, to, subject, text, writtenAt }: StampedMail): Promise<string> {
    try {
      await this.transport.sendMail({
        from: this.from,
        // As an object: an address is never read as a list of several.
        to: { name: '', address: to },
        subject,
        text,
        date: new Date(writtenAt),
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
      return `Mail ${id} was sent: ${subject}`;
    } catch (error) {
      if (!isFinal(error)) throw error;
      return `Mail ${id} was refused by the mail server for good: ${subject}`;
    }
  }
}

/** The server refuses this very recipient or message (5xx): trying again would be refused again. */
function isFinal(error: unknown): boolean {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  return (
    (code === 'EENVELOPE' || code === 'EMESSAGE') && typeof responseCode === 'number' && responseCode >= 500
  );
}
