import { ExplainedError } from '../../src/database/explained-error';

/** An administrator's session, for as long as the load lasts. */
export interface Session {
  readonly headers: Readonly<Record<string, string>>;
  end(): Promise<void>;
}

const DEADLINE_MS = 10_000;

/** @throws ExplainedError when nobody answers, or does not let them in */
export async function logIn(url: string, identifier: string, password: string): Promise<Session> {
  const answer = await post(`${url}/api/auth/login`, { identifier, password }).catch((error: Error) => {
    throw new ExplainedError(`No server answers at ${url} (${error.message}): start one, or leave --url out`);
  });
  const { accessToken } = (await answer.json()) as { accessToken?: string };
  if (accessToken === undefined)
    throw new ExplainedError(
      `The server at ${url} does not let ${identifier} in (${answer.status}): check ADMIN_EMAIL and ADMIN_PASSWORD`,
    );
  const headers = { authorization: `Bearer ${accessToken}` };
  return {
    headers,
    // A session that is left behind ends by itself.
    end: () =>
      post(`${url}/api/auth/logout`, {}, headers).then(
        () => undefined,
        () => undefined,
      ),
  };
}

const post = (
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
