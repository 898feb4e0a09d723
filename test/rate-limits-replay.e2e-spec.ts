import { isSound } from '../src/demo/replay';
import { startApp, type TestApp } from './support/app';
import { neighbourhood, replayOn, type Folder } from './support/neighbourhood';

const MINUTE = 60_000;

describe('a replay on a server that limits requests', () => {
  let app: TestApp;
  let folder: Folder;
  beforeAll(async () => {
    app = await startApp({
      RATE_LIMIT_ENABLED: 'true',
      RATE_LIMIT_WINDOW_S: '1',
      RATE_LIMIT_API: '20',
      RATE_LIMIT_TRADING: '5',
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
