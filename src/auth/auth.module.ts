import { Global, Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { CONFIG, type Config } from '../config/config';
import { AccessTokens } from './access-tokens';
import { TradingRight } from './trading-right';

@Global()
@Module({
  imports: [
    JwtModule.registerAsync({
      inject: [CONFIG],
      useFactory: (config: Config) => ({ secret: config.jwtSecret }),
    }),
  ],
  providers: [AccessTokens, TradingRight],
  exports: [AccessTokens, TradingRight],
})
export class AuthModule {}
