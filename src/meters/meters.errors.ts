import { DomainError } from '../common/domain-error';
import type { MeterStatus } from './meter-life-cycle';

export class MeterSerialTaken extends DomainError {
  readonly code = 'METER_SERIAL_TAKEN';
  readonly kind = 'conflict';
  constructor(serial: string) {
    super(`A meter with the serial ${serial} is registered already: check the number on the device`);
  }
}

export class MeterStatusConflict extends DomainError {
  readonly code = 'METER_STATUS_CONFLICT';
  readonly kind = 'conflict';
  constructor(from: MeterStatus, to: MeterStatus) {
    super(`A ${from} meter cannot become ${to}`);
  }
}

export class MeterNotVerified extends DomainError {
  readonly code = 'METER_NOT_VERIFIED';
  readonly kind = 'unprocessable';
  constructor(serial: string, status: MeterStatus) {
    super(`Meter ${serial} is ${status}: what it counts is worth something once an operator has verified it`);
  }
}

export class InvalidCsvHeader extends DomainError {
  readonly code = 'INVALID_CSV_HEADER';
  readonly kind = 'invalid';
  constructor(missing: readonly string[], doubled: readonly string[]) {
    const wrong = [
      ...(missing.length > 0 ? [`it does not name ${missing.join(', ')}`] : []),
      ...(doubled.length > 0 ? [`it names ${doubled.join(', ')} twice`] : []),
    ];
    super(`The first line of a CSV upload is its header, separated by commas; ${wrong.join(' and ')}`);
  }
}

export class UnsupportedUpload extends DomainError {
  readonly code = 'UNSUPPORTED_UPLOAD';
  readonly kind = 'invalid';
  constructor() {
    super('Send readings as application/json (one, or an array), application/x-ndjson or text/csv');
  }
}

/** Whoever sent readings went away; batches that were complete by then are kept. */
export class UploadInterrupted extends DomainError {
  readonly code = 'UPLOAD_INTERRUPTED';
  readonly kind = 'invalid';
  constructor() {
    super('The upload broke off: send it again, what was taken already counts as duplicates');
  }
}
