import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readApiAnswers } from './api-answers';

describe('what the build has read of the routes', () => {
  it('is found from sources as they are written', () => {
    expect(readApiAnswers().routes).toHaveProperty(['OffersController.list']);
  });

  it('is asked for where nothing has been built', () => {
    const empty = mkdtempSync(join(tmpdir(), 'gridtokenx-unbuilt-'));
    try {
      expect(() => readApiAnswers(empty)).toThrow('run npm run build');
    } finally {
      rmSync(empty, { recursive: true });
    }
  });
});
