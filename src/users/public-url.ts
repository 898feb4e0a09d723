import type { Config } from '../config/config';

/** Where people reach us: PUBLIC_URL, else the address we listen on; with a slash at its end. */
export function publicUrl({ environment: { PUBLIC_URL, HOST, PORT } }: Config): URL {
  const url = new URL(PUBLIC_URL ?? `http://${HOST.includes(':') ? `[${HOST}]` : HOST}:${PORT}`);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
