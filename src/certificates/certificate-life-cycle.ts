export const CERTIFICATE_STATUSES = ['active', 'transferred', 'retired', 'expired', 'withdrawn'] as const;
export type CertificateStatus = (typeof CERTIFICATE_STATUSES)[number];

const successors: Record<CertificateStatus, readonly CertificateStatus[]> = {
  active: ['transferred', 'retired', 'expired', 'withdrawn'],
  transferred: ['transferred', 'retired', 'expired', 'withdrawn'],
  retired: [], // a claimed certificate never circulates again
  expired: [], // nor is its energy set free to be certified anew: that would prolong it
  withdrawn: [],
};

/** Whether a certificate of one status may go over into another. */
export const maySucceed = (from: CertificateStatus, to: CertificateStatus): boolean =>
  successors[from].includes(to);

/** One year after the issue, to the same hour; for 29 February the first day of March. */
export function expiryOf(issuedAt: Date): Date {
  const expiry = new Date(issuedAt);
  expiry.setUTCFullYear(issuedAt.getUTCFullYear() + 1);
  return expiry;
}
