import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILD, RELEASE, buildAbove } from './release';

describe('a build', () => {
  const project = mkdtempSync(join(tmpdir(), 'gridtokenx-release-'));
  const dist = join(project, 'dist');
  const compiled = join(dist, 'src/config');
  const stamp = join(dist, 'built-from');

  beforeAll(() => {
    mkdirSync(compiled, { recursive: true });
    writeFileSync(join(project, 'package.json'), JSON.stringify({ version: '7.0.1' }));
  });
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  it('is the version alone where there is no stamp', () => {
    expect(buildAbove(compiled)).toBe('7.0.1');
    expect(BUILD).toBe(RELEASE);
  });

  it('is told from another one of the same version by what it was built from', () => {
    writeFileSync(stamp, 'one');
    const one = buildAbove(compiled);
    expect(one).toMatch(/^7\.0\.1\+[0-9a-f]{12}$/);
    expect(buildAbove(compiled)).toBe(one);
    writeFileSync(stamp, 'other');
    expect(buildAbove(compiled)).not.toBe(one);
    // As the compiler leaves it.
    writeFileSync(join(dist, 'package.json'), JSON.stringify({ version: '7.0.1' }));
    writeFileSync(stamp, 'one');
    expect(buildAbove(compiled)).toBe(one);
  });
});
