import { DomainError } from '../common/domain-error';
import type { CertificateStatus } from './certificate-life-cycle';

export class MeterNotVerified extends DomainError {
  readonly code = 'METER_NOT_VERIFIED';
  readonly kind = 'unprocessable';
  constructor(serial: string, status: string) {
    super(`Meter ${serial} is ${status}: only what a verified meter generated can be certified`);
  }
}

export class NothingToCertify extends DomainError {
  readonly code = 'NOTHING_TO_CERTIFY';
  readonly kind = 'unprocessable';
  constructor(serial: string, from: Date, to: Date) {
    super(`Meter ${serial} generated nothing from ${from.toISOString()} to ${to.toISOString()}`);
  }
}

export class PeriodAlreadyCertified extends DomainError {
  readonly code = 'PERIOD_ALREADY_CERTIFIED';
  readonly kind = 'conflict';
  constructor(serial: string) {
    super(`A part of this period is certified for meter ${serial} already: ask for a period beside it`);
  }
}

export class TransferToSelf extends DomainError {
  readonly code = 'TRANSFER_TO_SELF';
  readonly kind = 'unprocessable';
  constructor() {
    super('The certificate is yours already: name somebody else to transfer it to');
  }
}

export class ReceiverCannotHold extends DomainError {
  readonly code = 'RECEIVER_CANNOT_HOLD';
  readonly kind = 'unprocessable';
  constructor() {
    super('Auditors hold no certificates: name somebody who acts in the market');
  }
}

/** The certificate has come to its end, and its code says to which: `CERTIFICATE_RETIRED` and so on. */
export class CertificateEnded extends DomainError {
  readonly code: string;
  readonly kind = 'conflict';
  constructor(certificateId: string, status: CertificateStatus) {
    super(
      `Certificate ${certificateId} is ${status}: it can be neither transferred, retired nor withdrawn any more`,
    );
    this.code = `CERTIFICATE_${status.toUpperCase()}`;
  }
}

/** Two changes met, and the other one won. */
export class CertificateChanged extends DomainError {
  readonly code = 'CERTIFICATE_CHANGED';
  readonly kind = 'conflict';
  constructor(certificateId: string) {
    super(
      `Certificate ${certificateId} was changed at the same moment: look at it again before you try again`,
    );
  }
}
