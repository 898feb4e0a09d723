import { createClient } from 'redis';

export type BareClient = Awaited<ReturnType<typeof bareClient>>;

/** The client by itself, with its own settings, connected. */
export async function bareClient(url: string) {
  const client = createClient({ url });
  // What it is asked fails, and says why.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
