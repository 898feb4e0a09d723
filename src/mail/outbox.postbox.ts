import { chmodSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../config/data-folder';
import type { Postbox, StampedMail } from './postbox';

/** Writes mails into a folder, where there is no mail server: one file each, named so that they sort by time. */
export class OutboxPostbox implements Postbox {
  constructor(
    private readonly folder: string,
    private readonly from: string,
  ) {}

  async deliver({ id, to, subject, text, writtenAt }: StampedMail): Promise<string> {
    const name = `${writtenAt.replaceAll(':', '-')}-${id}.txt`;
    const file = join(this.folder, name);
    const unfinished = join(this.folder, `.${name}`);
    if (makeFolder(this.folder)) chmodSync(this.folder, 0o700);
    const lines = [`From: ${this.from}`, `To: ${to}`, `Subject: ${subject}`, `Date: ${writtenAt}`, '', text];
    await writeFile(unfinished, lines.join('\n'), { mode: 0o600 });
    await rename(unfinished, file);
    return `No SMTP_URL, mail "${subject}" was written to ${file}`;
  }
}
