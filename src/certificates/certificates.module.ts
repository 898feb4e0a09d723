import { Module, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { makeCounterProvider } from '@willsoto/nestjs-prometheus';
import { JobsService } from '../jobs/jobs.service';
import { MetersModule } from '../meters/meters.module';
import { UsersModule } from '../users/users.module';
import { CertificateExpiryService } from './certificate-expiry.service';
import { CertificateIssuance } from './certificate-issuance.entity';
import { CertificateIssuer } from './certificate-issuer';
import { CertificateRegisterService } from './certificate-register.service';
import { CertificatesController } from './certificates.controller';
import { CERTIFICATES_TOTAL, CertificatesMetrics } from './certificates.metrics';
import { CertificatesService } from './certificates.service';
import { CertifiedEnergyService } from './certified-energy.service';
import { ErcCertificateTransfer } from './erc-certificate-transfer.entity';
import { ErcCertificate } from './erc-certificate.entity';

@Module({
  imports: [
    TypeOrmModule.forFeature([CertificateIssuance, ErcCertificate, ErcCertificateTransfer]),
    MetersModule,
    UsersModule,
  ],
  controllers: [CertificatesController],
  providers: [
    CertificatesService,
    CertificateRegisterService,
    CertificateIssuer,
    CertificateExpiryService,
    CertifiedEnergyService,
    CertificatesMetrics,
    makeCounterProvider({
      name: CERTIFICATES_TOTAL,
      help: 'Certificates that came into a status',
      labelNames: ['status'],
    }),
  ],
  exports: [CertifiedEnergyService],
})
export class CertificatesModule implements OnModuleInit {
  constructor(
    private readonly jobs: JobsService,
    private readonly expiry: CertificateExpiryService,
  ) {}

  onModuleInit(): void {
    this.jobs.declareRecurring('certificates.expiry', '7 * * * *', async () => {
      await this.expiry.expireDue();
    });
  }
}
