import { Body, Controller, Delete, Get, HttpCode, Patch, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import {
  closing,
  profileChange,
  walletLink,
  type Closing,
  type ProfileChange,
  type WalletLink,
} from './dto/users.schemas';
import { ProfileService } from './profile.service';
import { UsersService } from './users.service';
import { WalletsService } from './wallets.service';

@ApiTags('users')
@Controller('api/users/me')
export class MeController {
  constructor(
    private readonly users: UsersService,
    private readonly profiles: ProfileService,
    private readonly wallets: WalletsService,
  ) {}

  /** The own account. */
  @Get()
  show(@CurrentUser() { userId }: Principal) {
    return this.users.profileOf(userId);
  }

  /** Changes names and addresses; another e-mail address wants a log-in of the last ten minutes or currentPassword. */
  @Patch()
  change(@CurrentUser() principal: Principal, @Body({ schema: profileChange }) change: ProfileChange) {
    return this.profiles.change(principal, change);
  }

  /** Closes the account for good, by a log-in of the last ten minutes or currentPassword. The books stay. */
  @Delete()
  @HttpCode(204)
  close(@CurrentUser() principal: Principal, @Body({ schema: closing }) { currentPassword }: Closing) {
    return this.profiles.close(principal, currentPassword);
  }

  /** Links a wallet by the signature of a challenge; wants a log-in of the last ten minutes or currentPassword. */
  @Put('wallet')
  link(@CurrentUser() principal: Principal, @Body({ schema: walletLink }) link: WalletLink) {
    return this.wallets.link(principal, link);
  }
}
