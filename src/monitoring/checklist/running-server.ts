import type { ChecklistAnswer } from './checklist';

const PROBE_MS = 1_000;
const LOGIN_MS = 10_000;
/** Every report is read for it, an exact look at bloat among them. */
const ANSWER_MS = 60_000;

/** What came of asking a server. */
export type Asked =
  | { readonly answer: ChecklistAnswer }
  /** Why there is no answer, in a sentence. */
  | { readonly reason: string };

/** Who asks. */
export interface Credentials {
  readonly email: string;
  readonly password: string;
}

/** Asks the checklist of a running server, as somebody who may see it; their session ends with it. */
export async function askServer(url: string, credentials: Credentials | undefined): Promise<Asked> {
  if (!(await isThere(url))) return { reason: `no server answers at ${url}` };
  if (credentials === undefined)
    return {
      reason: `a server answers at ${url}, but ADMIN_EMAIL and ADMIN_PASSWORD are not set to ask it with`,
    };
  try {
    return await askAs(url, credentials);
  } catch (error) {
    return { reason: `the server at ${url} could not be asked: ${(error as Error).message}` };
  }
}

async function isThere(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(PROBE_MS) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

async function askAs(url: string, { email, password }: Credentials): Promise<Asked> {
  const logIn = await fetch(`${url}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identifier: email, password }),
    signal: AbortSignal.timeout(LOGIN_MS),
  });
  const { accessToken } = (await logIn.json()) as { accessToken?: string };
  if (!logIn.ok || accessToken === undefined)
    return { reason: `the server at ${url} does not let ADMIN_EMAIL in (${logIn.status})` };
  const authorization = `Bearer ${accessToken}`;
  try {
    const response = await fetch(`${url}/api/admin/performance/checklist`, {
      headers: { authorization },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (!response.ok) return { reason: `the server at ${url} refuses its checklist (${response.status})` };
    return { answer: (await response.json()) as ChecklistAnswer };
  } finally {
    await logOut(url, authorization);
  }
}

/** A session that is left behind ends by itself. */
async function logOut(url: string, authorization: string): Promise<void> {
  await fetch(`${url}/api/auth/logout`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: '{}',
    signal: AbortSignal.timeout(LOGIN_MS),
  }).catch(() => undefined);
}
