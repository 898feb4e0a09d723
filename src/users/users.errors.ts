import { DomainError } from '../common/domain-error';

export class EmailTaken extends DomainError {
  readonly code = 'EMAIL_TAKEN';
  readonly kind = 'conflict';
  constructor() {
    super('There is an account with this e-mail address already: log in, or reset its password');
  }
}

export class UsernameTaken extends DomainError {
  readonly code = 'USERNAME_TAKEN';
  readonly kind = 'conflict';
  constructor() {
    super('This username is taken: choose another one');
  }
}

/** Of somebody who is logged in: their token is good, only the signature is not. */
export class WalletNotProved extends DomainError {
  readonly code = 'WALLET_NOT_PROVED';
  readonly kind = 'unprocessable';
  constructor() {
    super(
      'This is no signature of a current challenge by that wallet: ask for a challenge, sign it, and try again',
    );
  }
}

export class WalletTaken extends DomainError {
  readonly code = 'WALLET_TAKEN';
  readonly kind = 'conflict';
  constructor() {
    super('This wallet belongs to another account already');
  }
}

export class OrganizationNameTaken extends DomainError {
  readonly code = 'ORGANIZATION_NAME_TAKEN';
  readonly kind = 'conflict';
  constructor() {
    super('There is an organisation of this name already');
  }
}

/** The same for a wrong password, an unknown name and an account that may not log in. */
export class InvalidCredentials extends DomainError {
  readonly code = 'INVALID_CREDENTIALS';
  readonly kind = 'unauthenticated';
  constructor() {
    super('The name or the password is wrong');
  }
}

/** The same whether or not there is such a user. */
export class LockedOut extends DomainError {
  readonly code = 'LOCKED_OUT';
  readonly kind = 'too-many';
  constructor(override readonly retryAfterSeconds: number) {
    super('Too many wrong passwords for this name: wait a while, or reset the password');
  }
}

export class InvalidRefreshToken extends DomainError {
  readonly code = 'INVALID_REFRESH_TOKEN';
  readonly kind = 'unauthenticated';
  constructor() {
    super('This refresh token is not good, or not any more: log in again');
  }
}

export class InvalidSignature extends DomainError {
  readonly code = 'INVALID_SIGNATURE';
  readonly kind = 'unauthenticated';
  constructor() {
    super(
      'This is no signature of a current challenge by a known wallet: ask for a challenge, sign it, and try again',
    );
  }
}

/** A mailed token that is unknown, used, replaced or too old. */
export class InvalidToken extends DomainError {
  readonly code = 'INVALID_TOKEN';
  readonly kind = 'unprocessable';
  constructor() {
    super('This token is not good, or not any more: ask for a new mail');
  }
}

export class WrongPassword extends DomainError {
  readonly code = 'WRONG_PASSWORD';
  readonly kind = 'forbidden';
  constructor() {
    super('currentPassword is not your password');
  }
}

export class ReauthenticationRequired extends DomainError {
  readonly code = 'REAUTHENTICATION_REQUIRED';
  readonly kind = 'forbidden';
  constructor() {
    super('You logged in a while ago: send currentPassword as well, or log in again');
  }
}

export class LastAdmin extends DomainError {
  readonly code = 'LAST_ADMIN';
  readonly kind = 'conflict';
  constructor() {
    super('This is the last active administrator: make another one first');
  }
}

export class AccountClosed extends DomainError {
  readonly code = 'ACCOUNT_CLOSED';
  readonly kind = 'conflict';
  constructor() {
    super('This account was closed by its owner and stays closed');
  }
}

/** For the checks given to `UsersService.onClosing`: something of the account is still under way. */
export class AccountInUse extends DomainError {
  readonly code = 'ACCOUNT_IN_USE';
  readonly kind = 'conflict';
  constructor(what: string, mend: string) {
    super(`The account still has ${what}: ${mend} before you close it`);
  }
}
