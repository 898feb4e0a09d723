import { Body, Controller, Headers, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser, Public } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import {
  login,
  logout,
  refresh,
  registration,
  type Login,
  type Logout,
  type Refresh,
  type Registration,
} from './dto/auth.schemas';
import { LoginService } from './login.service';
import { RegistrationService } from './registration.service';
import { SessionsService } from './sessions.service';

@ApiTags('auth')
@Controller('api/auth')
export class AuthController {
  constructor(
    private readonly registrations: RegistrationService,
    private readonly logins: LoginService,
    private readonly sessions: SessionsService,
  ) {}

  /** Opens an account, as consumer unless prosumer is asked for, and mails a token to verify the address. */
  @Public()
  @Post('register')
  register(@Body({ schema: registration }) body: Registration) {
    return this.registrations.register(body);
  }

  /** Logs in by e-mail address or username. Five wrong passwords lock a name for 15 minutes. */
  @Public()
  @HttpCode(200)
  @Post('login')
  logIn(@Body({ schema: login }) { identifier, password }: Login, @Headers('user-agent') userAgent?: string) {
    return this.logins.logIn(identifier, password, userAgent);
  }

  /** Exchanges a refresh token, once, for a new pair of tokens. */
  @Public()
  @HttpCode(200)
  @Post('refresh')
  refresh(@Body({ schema: refresh }) { refreshToken }: Refresh) {
    return this.sessions.refresh(refreshToken);
  }

  /** Ends the session of the access token, of the refresh token in the body, or of both. */
  @Public()
  @HttpCode(204)
  @Post('logout')
  logOut(
    @CurrentUser() principal: Principal | undefined,
    @Body({ schema: logout }) { refreshToken }: Logout,
  ) {
    return this.sessions.logOut(principal, refreshToken);
  }
}
