/** What sorts of requests have a limit of their own; most first that is limited hardest. */
export const LIMIT_CLASSES = ['auth', 'admin', 'api', 'trading', 'readings', 'public'] as const;
export type LimitClass = (typeof LIMIT_CLASSES)[number];

/** Methods and route templates; a star stands for any method, and at the end of a template for whatever follows. */
type Routes = readonly `${string} /${string}`[];

/**
 * Where a password can be guessed, a mail is sent, an account is opened or a hash is computed. Not here: refresh and
 * logout, whose tokens cannot be guessed; everybody behind one address renews theirs every quarter of an hour.
 */
const AUTH: Routes = [
  'POST /api/auth/register',
  'POST /api/auth/login',
  'POST /api/auth/verify-email',
  'POST /api/auth/resend-verification',
  'POST /api/auth/password/*',
  'POST /api/auth/wallet/*',
];

/** Routes that need a log-in, by class; the first that fits counts. Those that fit none are `api`. */
const LOGGED_IN: readonly (readonly [LimitClass, Routes])[] = [
  ['admin', ['* /api/admin/*', '* /api/users', '* /api/users/:id*', '* /api/organizations*']],
  ['readings', ['* /api/meters/readings']],
  ['trading', ['* /api/trading/*', '* /api/offers*', '* /api/orders*', '* /api/transactions*']],
];

/** Probes and scrapers must see us most of all when we are busy. */
const NEVER: Routes = ['GET /health*', 'GET /metrics'];

/** Every line above: a line that no route of the application fits has been forgotten when a route was renamed. */
export const LINES: Routes = [...AUTH, ...LOGGED_IN.flatMap(([, routes]) => routes), ...NEVER];

/**
 * The class of a route.
 * @param endpoint method and template, such as `GET /api/offers/:id`
 * @param isPublic whether it answers who is not logged in
 * @returns undefined for a route that is never limited
 */
export function limitClassOf(endpoint: string, isPublic: boolean): LimitClass | undefined {
  const isHere = (line: string): boolean => fits(line, endpoint);
  if (NEVER.some(isHere)) return undefined;
  if (AUTH.some(isHere)) return 'auth';
  if (isPublic) return 'public';
  return LOGGED_IN.find(([, routes]) => routes.some(isHere))?.[0] ?? 'api';
}

/** Whether a line of the tables above is about an endpoint. */
export function fits(line: string, endpoint: string): boolean {
  const [lineMethod = '', linePath = ''] = line.split(' ');
  const [method = '', path = ''] = endpoint.split(' ');
  if (lineMethod !== '*' && lineMethod !== method) return false;
  return linePath.endsWith('*') ? path.startsWith(linePath.slice(0, -1)) : path === linePath;
}
