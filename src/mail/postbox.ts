/** A mail in plain text. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** A mail on its way. The same one may be given twice, after a crash: its id tells. */
export interface StampedMail extends Mail {
  readonly id: string;
  /** When it was written, ISO 8601. */
  readonly writtenAt: string;
}

/** Where mails go: a mail server, or a folder. */
export interface Postbox {
  /** @throws when trying again later may help; @returns what happened, for the log, without the mail's text */
  deliver(mail: StampedMail): Promise<string>;
}

/** Injection token of {@link Postbox}. */
export const POSTBOX = Symbol('POSTBOX');
