import type { Mail } from '../mail/postbox';

/** To whom a mail goes, and the address of ours that its link begins with. */
export interface Recipient {
  readonly email: string;
  readonly username: string;
}

/**
 * The token stands behind a #: browsers keep that to themselves, so that it reaches no log and no other site.
 * It stands on a line of its own too, for those who use the API directly.
 */
function withToken(base: URL, page: string, token: string): string {
  const link = new URL(page, base);
  link.hash = `token=${token}`;
  return `${link.toString()}\n\nToken: ${token}`;
}

const letter = ({ email, username }: Recipient, subject: string, ...paragraphs: string[]): Mail => ({
  to: email,
  subject,
  text: [`Hello ${username},`, ...paragraphs, 'GridTokenX'].join('\n\n') + '\n',
});

export function verificationMail(base: URL, recipient: Recipient, token: string): Mail {
  return letter(
    recipient,
    'Verify your e-mail address',
    'please confirm within 24 hours that this address is yours:',
    withToken(base, 'verify-email', token),
    'Programs send the token to POST /api/auth/verify-email. If you did not ask for this, ignore it.',
  );
}

export function passwordResetMail(base: URL, recipient: Recipient, token: string): Mail {
  return letter(
    recipient,
    'Reset your password',
    'somebody, hopefully you, asked for a new password. Choose it within an hour:',
    withToken(base, 'reset-password', token),
    'Programs send the token with the new password to POST /api/auth/password/reset. If it was not you, ignore this: your password stays as it is.',
  );
}

/** What an owner should hear of, because whoever did it may not be the owner. */
const notice = (what: string, subject: string) => (recipient: Recipient) =>
  letter(
    recipient,
    subject,
    what,
    'If it was not you, reset your password at once and tell whoever runs this market.',
  );

export const passwordChangedMail = notice('your password was changed.', 'Your password was changed');
export const walletLinkedMail = notice(
  'a wallet was linked to your account; whoever owns it can log in with it.',
  'A wallet was linked to your account',
);
export const addressChangedMail = notice(
  'your account has another e-mail address now; this one gets no more mail.',
  'Your e-mail address was changed',
);
export const accountClosedMail = notice(
  'your account was closed, and what was personal in it is gone. The books keep what was traded, without your name.',
  'Your account was closed',
);
