import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { MailService } from '../src/mail/mail.service';
import { startApp, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { until } from './support/eventually';
import { freePort } from './support/free-port';
import { mailTo, untilJobsAreDone } from './support/mailbox';

/** As much of a mail server as it takes to be sent mail: RFC 5321 without extensions, on loopback. */
class Receiver {
  readonly mails: { from: string; to: string[]; content: string }[] = [];
  /** What to answer to the next recipients, in place of yes. */
  readonly refusals: string[] = [];
  recipients = 0;

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => this.serve(socket));
  }

  static async listen(port = 0): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.server.close();
    await once(this.server, 'close');
  }

  private serve(socket: Socket): void {
    const say = (line: string) => socket.write(`${line}\r\n`);
    let pending = '';
    let mail = { from: '', to: [] as string[], content: '' };
    let inContent = false;
    const hear = (line: string): void => {
      const command = line.slice(0, 4).toUpperCase();
      if (inContent && line === '.') {
        inContent = false;
        this.mails.push(mail);
        mail = { from: '', to: [], content: '' };
        say('250 kept');
      } else if (inContent) mail.content += `${line}\n`;
      else if (command === 'MAIL') say(((mail.from = line.slice(10)), '250 go on'));
      else if (command === 'RCPT') {
        this.recipients += 1;
        const refusal = this.refusals.shift();
        if (refusal === undefined) mail.to.push(line.slice(8));
        say(refusal ?? '250 go on');
      } else if (command === 'DATA') say(((inContent = true), '354 go on'));
      else if (command === 'QUIT') socket.end('221 bye\r\n');
      else say('250 yes');
    };
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      const lines = (pending + bytes.toString('utf8')).split('\r\n');
      pending = lines.pop() ?? '';
      for (const line of lines) hear(line);
    });
    say('220 receiver');
  }
}

/** What a part in quoted-printable says. */
const decoded = (content: string): string =>
  content
    .replace(/=\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));

describe('mail', () => {
  describe('by a mail server', () => {
    let receiver: Receiver;
    let app: TestApp;
    beforeAll(async () => {
      receiver = await Receiver.listen();
      app = await startApp({
        SMTP_URL: `smtp://127.0.0.1:${receiver.port}`,
        MAIL_FROM: 'Energy market <market@example.org>',
      });
    });
    afterAll(async () => {
      await app.close();
      await receiver.close();
    });

    const arrived = async (to: string) => {
      await until(() => receiver.mails.some((mail) => mail.to.includes(`<${to}>`)));
      return receiver.mails.filter((mail) => mail.to.includes(`<${to}>`));
    };

    it('arrives, and its token works', async () => {
      const person = await app.registers();
      const [mail] = await arrived(person.email);
      expect(mail?.from).toBe('<market@example.org>');
      expect(mail?.content).toMatch(/^From: Energy market <market@example.org>$/m);
      expect(mail?.content).toMatch(/^Subject: Verify your e-mail address$/m);
      expect(mail?.content).toMatch(/^Auto-Submitted: auto-generated$/m);
      const token = /^Token: (\S+)$/m.exec(decoded(mail?.content ?? ''))?.[1];
      expect((await app.post('/api/auth/verify-email', { body: { token } })).status).toBe(204);
    });

    it('is sent again after the server said "later", and fails no request meanwhile', async () => {
      receiver.refusals.push('451 later');
      const person = await app.registers();
      expect(await arrived(person.email)).toHaveLength(1);
      expect(receiver.refusals).toEqual([]);
    });

    it('goes out by the hundred, and again alone where one of many fails', async () => {
      const addresses = Array.from({ length: 100 }, (_, n) => `crowd${n}@example.org`);
      receiver.refusals.push('451 later');
      await app.database.transaction(async (tx) => {
        for (const to of addresses)
          await app.nest.get(MailService).send(tx, { to, subject: 'Hello', text: 'Hello' });
      });
      const sent = () => receiver.mails.flatMap(({ to }) => to).filter((to) => to.startsWith('<crowd'));
      await until(() => sent().length >= 99, 30_000);
      await untilJobsAreDone(app);
      expect(sent().sort()).toEqual(addresses.map((address) => `<${address}>`).sort());
    });

    it('is not sent again after the server said "never"', async () => {
      receiver.refusals.push('550 nobody here');
      const before = receiver.recipients;
      const refused = await app.registers();
      await until(() => receiver.recipients > before);
      await untilJobsAreDone(app);
      expect(receiver.recipients).toBe(before + 1);
      expect(receiver.mails.some((mail) => mail.to.includes(`<${refused.email}>`))).toBe(false);
    });
  });

  it('waits for a mail server that is away, and fails no request', async () => {
    const port = await freePort();
    const app = await startApp({ SMTP_URL: `smtp://127.0.0.1:${port}` });
    const person = await app.registers();
    const failed = `SELECT id FROM pgboss.job WHERE name = 'mail' AND state = 'retry'`;
    await until(async () => (await asOwner(app.urls, failed)).length > 0);
    const receiver = await Receiver.listen(port);
    await until(() => receiver.mails.length > 0);
    expect(receiver.mails[0]?.to).toEqual([`<${person.email}>`]);
    await app.close();
    await receiver.close();
  });

  describe('without a mail server', () => {
    let app: TestApp;
    beforeAll(async () => {
      app = await startApp();
    });
    afterAll(() => app.close());

    it('lies in DATA_DIR/outbox, for the owner of the folder only', async () => {
      const person = await app.registers();
      const mail = await mailTo(app, person.email, /^Verify/);
      expect(mail.text).toMatch(/^http:\/\/127\.0\.0\.1:8080\/verify-email#token=/m);
      const folder = join(app.dataDir, 'outbox');
      const [name] = readdirSync(folder);
      expect(name).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-[0-9a-f-]{36}\.txt$/);
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      expect(statSync(join(folder, name as string)).mode & 0o777).toBe(0o600);
    });

    it('is sent with its transaction, or not at all', async () => {
      const mail = app.nest.get(MailService);
      const text = 'some text';
      const failing = app.database.transaction(async (tx) => {
        await mail.send(tx, { to: 'never@example.org', subject: 'Never', text });
        throw new Error('and then it failed');
      });
      await expect(failing).rejects.toThrow('and then it failed');
      await app.database.transaction((tx) =>
        mail.send(tx, { to: 'ever@example.org', subject: 'Ever', text }),
      );
      await mailTo(app, 'ever@example.org', /^Ever$/);
      await expect(mailTo(app, 'never@example.org', /^Never$/, 0)).rejects.toThrow();
    });

    it.each([
      ['address', { to: 'a@example.org\r\nBcc: all@example.org', subject: 'Hello' }],
      ['subject', { to: 'a@example.org', subject: 'Hello\nBcc: all@example.org' }],
    ])('takes one line for its %s', async (_, head) => {
      const mail = app.nest.get(MailService);
      const sending = app.database.transaction((tx) => mail.send(tx, { ...head, text: '' }));
      await expect(sending).rejects.toThrow(RangeError);
    });
  });
});
