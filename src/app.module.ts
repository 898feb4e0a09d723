import { Module, type DynamicModule } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuditModule } from './audit/audit.module';
import { AuthModule } from './auth/auth.module';
import { AuthenticationGuard } from './auth/authentication.guard';
import { CacheModule } from './cache/cache.module';
import { CertificatesModule } from './certificates/certificates.module';
import type { Config } from './config/config';
import { ConfigModule } from './config/config.module';
import { DatabaseModule, type DatabaseUrls } from './database/database.module';
import { JobsModule } from './jobs/jobs.module';
import { LedgerModule } from './ledger/ledger.module';
import { MailModule } from './mail/mail.module';
import { MarketplaceModule } from './marketplace/marketplace.module';
import { MetersModule } from './meters/meters.module';
import { MonitoringModule } from './monitoring/monitoring.module';
import { RateLimitGuard } from './rate-limits/rate-limit.guard';
import { RateLimitsModule } from './rate-limits/rate-limits.module';
import { ReconciliationModule } from './reconciliation/reconciliation.module';
import { TracingModule } from './tracing/tracing.module';
import { TradingModule } from './trading/trading.module';
import { UsersModule } from './users/users.module';

/** The whole market in one process. */
@Module({})
export class AppModule {
  static with(config: Config, urls: DatabaseUrls): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.of(config),
        DatabaseModule.at(urls),
        AuthModule,
        CacheModule,
        JobsModule,
        MailModule,
        AuditModule,
        MonitoringModule.of(config),
        TracingModule,
        UsersModule,
        LedgerModule,
        MetersModule,
        TradingModule,
        MarketplaceModule,
        CertificatesModule,
        ReconciliationModule,
        RateLimitsModule,
      ],
      // In this order: who it is, and then how often they may ask.
      providers: [
        { provide: APP_GUARD, useClass: AuthenticationGuard },
        { provide: APP_GUARD, useExisting: RateLimitGuard },
      ],
    };
  }
}
