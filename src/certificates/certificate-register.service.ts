import { Injectable } from '@nestjs/common';
import { seesEverything, type Principal } from '../auth/principal';
import { CacheService } from '../cache/cache.service';
import { decodeCursor, pageOf, UUID_SHAPE, type Page } from '../common/cursor';
import { NotFound } from '../common/domain-error';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import type { CertificateStatus } from './certificate-life-cycle';
import { readCertificateNumber } from './certificate-number';
import {
  certificateView,
  verificationView,
  type CertificateRow,
  type CertificateView,
  type VerificationView,
} from './certificate.view';
import { publicCertificate } from './certificates.cache';
import type { ListRequest } from './dto/certificate-requests';

const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** A certificate is expired from `expires_at` on, even while the job that writes it down has not come by. */
const SELECT = `
  SELECT c.id, c.certificate_id, c.issuance_id, c.user_id, c.wallet_address, c.energy_wh, c.energy_source, c.vintage,
         CASE WHEN c.status IN ('active', 'transferred') AND c.expires_at <= now() THEN 'expired' ELSE c.status END AS status,
         c.issued_at, c.expires_at, c.retired_at, c.beneficiary, c.purpose, c.blockchain_tx_signature,
         i.meter_id, i.period_from, i.period_to
    FROM erc_certificates c JOIN certificate_issuances i ON i.id = c.issuance_id`;

/** The newest of some certificates; their issuances are looked up for the page alone. */
const page = (condition: string): string =>
  `SELECT id FROM erc_certificates WHERE id < $1 AND ${condition} ORDER BY id DESC LIMIT $2`;
const list = (ids: string): string => `${SELECT} WHERE c.id = ANY (ARRAY(${ids})) ORDER BY c.id DESC`;

/**
 * Those that are written down as expired, and the few whose time has passed since the job last came by. PostgreSQL takes
 * those for many, since it does not know that what is over is written down: in the order of their index they are found
 * by it all the same, whatever their number.
 */
const expired = (ofOwner: string): string => `
  SELECT id FROM ((${page(`status = $3 ${ofOwner}`)})
                  UNION ALL
                  SELECT id FROM (SELECT id, user_id FROM erc_certificates
                                   WHERE status IN ('active', 'transferred') AND expires_at <= now()
                                   ORDER BY expires_at OFFSET 0) AS over
                   WHERE id < $1 ${ofOwner}) AS both_kinds
   ORDER BY id DESC LIMIT $2`;

/** One statement for each kind of list, so that each is served by its own index. */
const LISTS = {
  ofEverybody: {
    all: list(page('true')),
    live: list(page('status = $3 AND expires_at > now()')),
    ended: list(page('status = $3')),
    expired: list(expired('')),
  },
  ofOwner: {
    all: list(page('user_id = $3')),
    live: list(page('user_id = $4 AND status = $3 AND expires_at > now()')),
    ended: list(page('user_id = $4 AND status = $3')),
    expired: list(expired('AND user_id = $4')),
  },
} as const;

const KIND_OF_LIST: Record<CertificateStatus, keyof (typeof LISTS)['ofOwner']> = {
  active: 'live',
  transferred: 'live',
  retired: 'ended',
  expired: 'expired',
  withdrawn: 'ended',
};

/** What stands in the books of certificates: for owners, for auditors, and for anybody who verifies one. */
@Injectable()
export class CertificateRegisterService {
  constructor(
    private readonly database: DatabaseService,
    private readonly cache: CacheService,
  ) {}

  /**
   * The caller's certificates, newest first. Admins, operators and auditors get everybody's, or one user's.
   * @throws NotFound when somebody else asks for another user's
   */
  async list(
    principal: Principal,
    { limit, cursor, status, userId }: ListRequest,
  ): Promise<Page<CertificateView>> {
    const [before = LAST] = cursor === undefined ? [] : decodeCursor(cursor, [UUID_SHAPE]);
    const owner = ownerOf(principal, userId);
    const lists = LISTS[owner === undefined ? 'ofEverybody' : 'ofOwner'];
    const text = lists[status === undefined ? 'all' : KIND_OF_LIST[status]];
    const filters = [status, owner].filter((value) => value !== undefined);
    const rows = await this.database.query<CertificateRow>(text, [before, limit + 1, ...filters]);
    return pageOf(rows, limit, ({ id }) => [id], certificateView);
  }

  /**
   * What a certificate attests, for anybody who has its number, however it was typed.
   * @throws NotFound
   */
  async verify(typed: string): Promise<VerificationView> {
    const number = readCertificateNumber(typed);
    if (number === undefined) throw new NotFound('certificate');
    return this.cache.getOrCompute(publicCertificate(number), async () =>
      verificationView(await this.find(this.database, number)),
    );
  }

  /**
   * A certificate by its number, as it stands for whoever reads.
   * @throws NotFound
   */
  async find(reader: Pick<Transaction, 'query'>, typed: string): Promise<CertificateRow> {
    const number = readCertificateNumber(typed);
    const [row] =
      number === undefined
        ? []
        : await reader.query<CertificateRow>(`${SELECT} WHERE c.certificate_id = $1`, [number]);
    if (row === undefined) throw new NotFound('certificate');
    return row;
  }
}

function ownerOf(principal: Principal, asked: string | undefined): string | undefined {
  if (seesEverything(principal)) return asked;
  if (asked !== undefined && asked !== principal.userId) throw new NotFound('user');
  return principal.userId;
}
