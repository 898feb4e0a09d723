import { join } from 'node:path';
import { Global, Module } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config';
import { MailService } from './mail.service';
import { OutboxPostbox } from './outbox.postbox';
import { POSTBOX, type Postbox } from './postbox';
import { SmtpPostbox } from './smtp.postbox';

@Global()
@Module({
  providers: [
    MailService,
    {
      provide: POSTBOX,
      inject: [CONFIG],
      useFactory: ({ dataDir, environment: { SMTP_URL, MAIL_FROM } }: Config): Postbox =>
        SMTP_URL === undefined
          ? new OutboxPostbox(join(dataDir, 'outbox'), MAIL_FROM)
          : new SmtpPostbox(SMTP_URL, MAIL_FROM),
    },
  ],
  exports: [MailService],
})
export class MailModule {}
