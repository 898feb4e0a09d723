import type { CacheEntry } from '../cache/cache-entry';
import type { HttpCachePolicy } from '../cache/http/http-cache-policy';
import { readCertificateNumber } from './certificate-number';
import type { VerificationView } from './certificate.view';

/** Dropped whenever anything becomes of a certificate. */
export const certificateTag = (certificateId: string): string => `certificate:${certificateId}`;

/**
 * What anybody learns of a certificate, for five minutes, or until its own time is over.
 * @param certificateId in the form it is stored in
 */
export const publicCertificate = (certificateId: string): CacheEntry<VerificationView> => ({
  key: ['certificate', certificateId],
  ttlSeconds: 300,
  tags: [certificateTag(certificateId)],
  validUntil: ({ status, expiresAt }) =>
    status === 'active' || status === 'transferred' ? Date.parse(expiresAt) : undefined,
});

/** The same as it is sent, by each way to write the number. */
export const certificateOverHttp: HttpCachePolicy = {
  prefix: 'http:certificate',
  ttlSeconds: 300,
  scope: 'public',
  tags: ({ params: { certificateId = '' } }) => {
    const number = readCertificateNumber(certificateId);
    return number === undefined ? undefined : [certificateTag(number)];
  },
};
