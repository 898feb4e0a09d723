import { createSecretKey } from 'node:crypto';
import { Global, Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { CONFIG, type Config } from '../config/config';
import { AccessTokens } from './access-tokens';
import { TradingRight } from './trading-right';

/** As a key object: a plain string would be tried as a public key first, at every request. */
const signingKey = (config: Config) => ({ secret: createSecretKey(config.jwtSecret, 'utf8') });

@Global()
@Module({
  imports: [
    JwtModule.registerAsync({
      inject: [CONFIG],
      useFactory: signingKey,
    }),
  ],
  providers: [AccessTokens, TradingRight],
  exports: [AccessTokens, TradingRight],
})
export class AuthModule {}
