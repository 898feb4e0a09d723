import { DomainError } from '../common/domain-error';
import { formatKwh, formatMoney } from '../common/units';

const shown = (asset: string, amount: bigint): string =>
  asset.startsWith('energy:')
    ? `${formatKwh(amount)} kWh of ${asset.slice(7)} energy`
    : `${formatMoney(amount)} ${asset}`;

export class InsufficientBalance extends DomainError {
  readonly code = 'INSUFFICIENT_BALANCE';
  readonly kind = 'unprocessable';
  constructor(
    readonly userId: string,
    asset: string,
    wanted: bigint,
    available: bigint,
  ) {
    super(`This needs ${shown(asset, wanted)}, but only ${shown(asset, available)} is available`);
  }
}

export class ReferenceTaken extends DomainError {
  readonly code = 'REFERENCE_TAKEN';
  readonly kind = 'conflict';
  constructor(reference: string) {
    super(`Reference ${reference} is booked already: take a new one for a new booking`);
  }
}

export class WithdrawalDecided extends DomainError {
  readonly code = 'WITHDRAWAL_DECIDED';
  readonly kind = 'conflict';
  constructor(status: string) {
    super(`This withdrawal is ${status} already`);
  }
}
