import { isSound } from '../src/demo/replay';
import { startApp, type TestApp } from './support/app';
import { neighbourhood, replayOn, type Folder } from './support/neighbourhood';

const ORDERS_A_SECOND = 5;

type Place = Parameters<typeof fetch>[0];

const placesOrders = (url: Place, init?: RequestInit): boolean =>
  init?.method === 'POST' && new Request(url).url.endsWith('/api/trading/orders/batch');

/** The refusal of the same request, asked for until it comes: on a slow machine nobody would come near the limit. */
async function refusal(url: Place, init?: RequestInit): Promise<Response> {
  for (;;) {
    const asks = Array.from({ length: ORDERS_A_SECOND + 1 }, () => fetch(url, { ...init, body: '{}' }));
    const refused = (await Promise.all(asks)).find(({ status }) => status === 429);
    if (refused !== undefined) return refused;
  }
}

describe('a replay on a server that limits requests', () => {
  let app: TestApp;
  let folder: Folder;
  beforeAll(async () => {
    app = await startApp({
      RATE_LIMIT_ENABLED: 'true',
      RATE_LIMIT_WINDOW_S: '1',
      RATE_LIMIT_API: '20',
      RATE_LIMIT_TRADING: String(ORDERS_A_SECOND),
    });
    folder = await neighbourhood();
  });
  afterAll(async () => {
    await folder.remove();
    await app.close();
  });

  it('waits as long as it is told to, and does everything', async () => {
    const refused: (string | null)[] = [];
    const result = await replayOn(app, folder, async (...request) => {
      const [url, init] = request;
      const isFirst = refused.length === 0 && placesOrders(url, init);
      const response = isFirst ? await refusal(url, init) : await fetch(...request);
      if (response.status === 429) refused.push(response.headers.get('retry-after'));
      return response;
    });
    expect(new Set(refused)).toEqual(new Set(['1']));
    expect(isSound(result)).toBe(true);
  });
});
