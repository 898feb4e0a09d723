import { Body, Controller, Headers, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Public } from '../auth/decorators';
import {
  walletChallenge,
  walletLogin,
  type WalletChallengeRequest,
  type WalletLogin,
} from './dto/auth.schemas';
import { WalletChallengesService } from './wallet-challenges.service';
import { WalletsService } from './wallets.service';

@ApiTags('auth')
@Controller('api/auth/wallet')
@Public()
export class WalletAuthController {
  constructor(
    private readonly challenges: WalletChallengesService,
    private readonly wallets: WalletsService,
  ) {}

  /** A text for the owner of a wallet to sign within five minutes; alike for wallets that nobody has linked. */
  @HttpCode(200)
  @Post('challenge')
  challenge(@Body({ schema: walletChallenge }) { walletAddress }: WalletChallengeRequest) {
    return this.challenges.challenge(walletAddress);
  }

  /** Logs in the user whose wallet signed the challenge (Ed25519 over its UTF-8 bytes, base58). */
  @HttpCode(200)
  @Post('login')
  logIn(@Body({ schema: walletLogin }) body: WalletLogin, @Headers('user-agent') userAgent?: string) {
    return this.wallets.logIn(body, userAgent);
  }
}
