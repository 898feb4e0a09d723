import { DomainError } from '../common/domain-error';

export class Unauthenticated extends DomainError {
  readonly code = 'UNAUTHENTICATED';
  readonly kind = 'unauthenticated';
  constructor() {
    super('This route wants a valid access token: log in and send it as "Authorization: Bearer …"');
  }
}

export class WrongRole extends DomainError {
  readonly code = 'FORBIDDEN';
  readonly kind = 'forbidden';
  constructor() {
    super('Your role does not include this');
  }
}

export class EmailNotVerified extends DomainError {
  readonly code = 'EMAIL_NOT_VERIFIED';
  readonly kind = 'forbidden';
  constructor() {
    super(
      'Verify your e-mail address before you trade: POST /api/auth/resend-verification sends the mail again',
    );
  }
}
