import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser, Public } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import {
  mailedToken,
  resendVerification,
  type MailedToken,
  type ResendVerification,
} from './dto/auth.schemas';
import { EmailVerificationService } from './email-verification.service';

@ApiTags('auth')
@Controller('api/auth')
export class VerificationController {
  constructor(private readonly verification: EmailVerificationService) {}

  /** Proves an e-mail address by the token that was mailed to it. */
  @Public()
  @HttpCode(204)
  @Post('verify-email')
  verify(@Body({ schema: mailedToken }) { token }: MailedToken) {
    return this.verification.verify(token);
  }

  /** Mails the token again, to who is logged in or to an address; never tells whether somebody waits there. */
  @Public()
  @HttpCode(202)
  @Post('resend-verification')
  resend(
    @CurrentUser() principal: Principal | undefined,
    @Body({ schema: resendVerification }) { email }: ResendVerification,
  ) {
    return this.verification.resend(principal, email);
  }
}
