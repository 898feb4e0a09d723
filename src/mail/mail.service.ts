import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import { newId } from '../common/id';
import { CONFIG, type Config } from '../config/config';
import type { Transaction } from '../database/transaction';
import { JobsService } from '../jobs/jobs.service';
import { POSTBOX, type Mail, type Postbox } from './postbox';
import { seal, unseal } from './sealed';

const JOB = 'mail';

const queued = z.object({ id: z.string(), writtenAt: z.string(), sealed: z.string() });
const mail = z.object({ to: z.string(), subject: z.string(), text: z.string() });

/** Outgoing mail. Sending is a durable job: a mail server that is away delays mails and fails no request. */
@Injectable()
export class MailService implements OnModuleInit {
  private readonly logger = new Logger('Mail');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(POSTBOX) private readonly postbox: Postbox,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.declare(JOB, (data) => this.deliver(data));
  }

  /**
   * Sends a mail if and when the transaction commits.
   * @throws RangeError for an address or subject of several lines, which would become headers of their own
   */
  send(tx: Transaction, { to, subject, text }: Mail): Promise<void> {
    if (/[\r\n]/.test(to + subject))
      throw new RangeError('The address and the subject of a mail are one line each');
    const sealed = seal(this.config.jwtSecret, JSON.stringify({ to, subject, text }));
    return this.jobs.enqueue(tx, JOB, { id: newId(), writtenAt: new Date().toISOString(), sealed });
  }

  private async deliver(data: object): Promise<void> {
    const { id, writtenAt, sealed } = queued.parse(data);
    const opened = unseal(this.config.jwtSecret, sealed);
    if (opened === undefined) {
      this.logger.warn(`Mail ${id} is not sent: JWT_SECRET has changed since it was written`);
      return;
    }
    this.logger.log(await this.postbox.deliver({ id, writtenAt, ...mail.parse(JSON.parse(opened)) }));
  }
}
