import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser, Public } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import {
  forgottenPassword,
  passwordChange,
  passwordReset,
  type ForgottenPassword,
  type PasswordChange,
  type PasswordReset,
} from './dto/auth.schemas';
import { PasswordService } from './password.service';

@ApiTags('auth')
@Controller('api/auth/password')
export class PasswordsController {
  constructor(private readonly passwords: PasswordService) {}

  /** Mails a token for a new password to an address; never tells whether somebody has it. */
  @Public()
  @HttpCode(202)
  @Post('forgot')
  forget(@Body({ schema: forgottenPassword }) { email }: ForgottenPassword) {
    return this.passwords.forget(email);
  }

  /** Sets a new password by a mailed token, and logs out everywhere. */
  @Public()
  @HttpCode(204)
  @Post('reset')
  reset(@Body({ schema: passwordReset }) { token, password }: PasswordReset) {
    return this.passwords.reset(token, password);
  }

  /** Sets a new password by the current one, and logs out everywhere else. */
  @HttpCode(204)
  @Post('change')
  change(
    @CurrentUser() principal: Principal,
    @Body({ schema: passwordChange }) { currentPassword, newPassword }: PasswordChange,
  ) {
    return this.passwords.change(principal, currentPassword, newPassword);
  }
}
