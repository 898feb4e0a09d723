import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config';
import { EmailNotVerified } from './auth.errors';
import type { Principal } from './principal';

/** Whether somebody may trade: with REQUIRE_VERIFIED_EMAIL only who has verified the e-mail address. */
@Injectable()
export class TradingRight {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** @throws EmailNotVerified */
  check(principal: Principal): void {
    if (this.config.requireVerifiedEmail && !principal.emailVerified) throw new EmailNotVerified();
  }
}
