import { isSound } from '../src/demo/replay';
import { startApp, type TestApp } from './support/app';
import { neighbourhood, replayOn, type Folder } from './support/neighbourhood';

const MINUTE = 60_000;
const ORDERS_A_SECOND = 5;

type Place = Parameters<typeof fetch>[0];

const isAnOrder = (url: Place, init?: RequestInit): boolean =>
  init?.method === 'POST' && new Request(url).url.endsWith('/api/trading/orders');

/** Whatever the limit: on a slow machine nobody would come near it. */
async function spend(url: Place, init?: RequestInit): Promise<void> {
  let statuses: number[] = [];
  while (!statuses.includes(429)) {
    const asks = Array.from({ length: ORDERS_A_SECOND + 1 }, () => fetch(url, { ...init, body: '{}' }));
    statuses = (await Promise.all(asks)).map(({ status }) => status);
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

  it(
    'waits as long as it is told to, and does everything',
    async () => {
      const refused: (string | null)[] = [];
      const result = await replayOn(app, folder, async (...request) => {
        const [url, init] = request;
        if (refused.length === 0 && isAnOrder(url, init)) await spend(url, init);
        const response = await fetch(...request);
        if (response.status === 429) refused.push(response.headers.get('retry-after'));
        return response;
      });
      expect(new Set(refused)).toEqual(new Set(['1']));
      expect(isSound(result)).toBe(true);
    },
    5 * MINUTE,
  );
});
