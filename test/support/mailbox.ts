import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestApp } from './app';
import { asOwner } from './database';
import { until } from './eventually';

/** A mail as it lies in DATA_DIR/outbox; `token` is what stands on the line `Token: …`. */
export interface ReadMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly token: string | undefined;
}

/** All mails so far, oldest first. */
export function mailsOf(app: TestApp): ReadMail[] {
  const folder = join(app.dataDir, 'outbox');
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => !name.startsWith('.'));
  return files.sort().map((name) => readMail(readFileSync(join(folder, name), 'utf8')));
}

/** The newest mail to an address about something, once it has come. */
export async function mailTo(
  app: TestApp,
  address: string,
  subject: RegExp,
  withinMs?: number,
): Promise<ReadMail> {
  const find = () => mailsOf(app).findLast((mail) => mail.to === address && subject.test(mail.subject));
  await until(() => find() !== undefined, withinMs);
  return find() as ReadMail;
}

/** The token of that mail. */
export async function tokenSentTo(app: TestApp, address: string, subject: RegExp): Promise<string> {
  const { token } = await mailTo(app, address, subject);
  if (token === undefined) throw new Error(`The mail to ${address} holds no token`);
  return token;
}

/** Waits until every job is done, so that what has not come will not come. */
export async function untilJobsAreDone(app: TestApp): Promise<void> {
  await until(async () => {
    const open = await asOwner(
      app.urls,
      `SELECT 1 FROM pgboss.job WHERE state IN ('created', 'retry', 'active') AND name NOT LIKE '\\_\\_pgboss%' LIMIT 1`,
    );
    return open.length === 0;
  });
}

function readMail(content: string): ReadMail {
  const [head = '', ...text] = content.split('\n\n');
  const header = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(head)?.[1] ?? '';
  const body = text.join('\n\n');
  return {
    to: header('To'),
    subject: header('Subject'),
    text: body,
    token: /^Token: (\S+)$/m.exec(body)?.[1],
  };
}
