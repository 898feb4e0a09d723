const REDACTED = '[redacted]';

/** Names under which secrets travel, in headers, bodies, answers and settings. */
const SECRETS = [
  'authorization',
  '["proxy-authorization"]',
  'cookie',
  '["set-cookie"]',
  'password',
  'currentPassword',
  'newPassword',
  'passwordHash',
  'secret',
  'jwtSecret',
  'token',
  'accessToken',
  'refreshToken',
  'tokenHash',
  'signature',
];
/** How deep in a logged object they are looked for: `err.config.headers.authorization`. */
const DEPTHS = ['', '*', '*.*', '*.*.*'];

const pathOf = (parent: string, name: string): string =>
  parent === '' || name.startsWith('[') ? `${parent}${name}` : `${parent}.${name}`;

/** For pino: fields with these names are logged without their values. */
export const redactedFields = {
  paths: DEPTHS.flatMap((parent) => SECRETS.map((name) => pathOf(parent, name))),
  censor: REDACTED,
};

/** User and password in front of a host, also in an error's message, and tokens, in a header that somebody quotes. */
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/:\/\/[^\s/"]*@/g, `://${REDACTED}@`],
  [/\bBearer [\w.~+/=-]{16,}/g, `Bearer ${REDACTED}`],
  [/\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g, REDACTED],
];

/** A line of the log without the secrets that stand within its texts. */
export function redactedLine(line: string): string {
  return SECRET_TEXTS.reduce((text, [secret, replacement]) => text.replace(secret, replacement), line);
}
