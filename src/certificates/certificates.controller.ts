import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { CurrentUser, Participants, Public, Roles } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import { HttpCache } from '../cache/http/http-cache.decorator';
import { Idempotency, type IdempotentRequest } from '../http/idempotency-key';
import { CertificateRegisterService } from './certificate-register.service';
import { certificateOverHttp } from './certificates.cache';
import { CertificatesService } from './certificates.service';
import {
  byNumber,
  issueBody,
  listQuery,
  retireBody,
  transferBody,
  withdrawBody,
} from './dto/certificate-requests';

@ApiTags('certificates')
@Controller('api/certificates')
export class CertificatesController {
  constructor(
    private readonly certificates: CertificatesService,
    private readonly register: CertificateRegisterService,
  ) {}

  /** Certifies what a verified meter generated in `[from, to)`. Operators and admins may do it for any meter. */
  @Post()
  @Participants()
  issue(
    @CurrentUser() user: Principal,
    @Body({ schema: issueBody }) body: z.output<typeof issueBody>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.certificates.issue(user, body, request);
  }

  /** The caller's certificates, newest first; admins, operators and auditors see everybody's, or one user's. */
  @Get()
  list(@CurrentUser() user: Principal, @Query({ schema: listQuery }) query: z.output<typeof listQuery>) {
    return this.register.list(user, query);
  }

  /** Lets anybody verify a certificate by its number: what it attests, and whether it is claimed already. */
  @Get(':certificateId')
  @Public()
  @HttpCache(certificateOverHttp)
  verify(@Param({ schema: byNumber }) { certificateId }: z.output<typeof byNumber>) {
    return this.register.verify(certificateId);
  }

  /** Gives the whole certificate to somebody else. */
  @Post(':certificateId/transfer')
  @HttpCode(200)
  @Participants()
  transfer(
    @CurrentUser() user: Principal,
    @Param({ schema: byNumber }) { certificateId }: z.output<typeof byNumber>,
    @Body({ schema: transferBody }) { toUserId }: z.output<typeof transferBody>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.certificates.transfer(user, certificateId, toUserId, request);
  }

  /** Claims the energy for a beneficiary, for good. */
  @Post(':certificateId/retire')
  @HttpCode(200)
  @Participants()
  retire(
    @CurrentUser() user: Principal,
    @Param({ schema: byNumber }) { certificateId }: z.output<typeof byNumber>,
    @Body({ schema: retireBody }) body: z.output<typeof retireBody>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.certificates.retire(user, certificateId, body, request);
  }

  /** Takes back what should not have been certified, while it is neither retired nor expired. */
  @Post(':certificateId/withdraw')
  @HttpCode(200)
  @Roles('admin', 'operator')
  withdraw(
    @CurrentUser() user: Principal,
    @Param({ schema: byNumber }) { certificateId }: z.output<typeof byNumber>,
    @Body({ schema: withdrawBody }) { reason }: z.output<typeof withdrawBody>,
    @Idempotency() request: IdempotentRequest,
  ) {
    return this.certificates.withdraw(user, certificateId, reason, request);
  }
}
