import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp, type TestApp } from './support/app';
import { expectBooksToBalance } from './support/market';

const COMMANDS = join(__dirname, '../dist/src/demo');

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** The commands as people and the server start them: processes of their own. */
describe('the commands of the neighbourhood', () => {
  let app: TestApp;
  let folder: string;

  beforeAll(async () => {
    if (!existsSync(COMMANDS)) throw new Error('The commands are not built: npm run build makes dist');
    app = await startApp();
    folder = mkdtempSync(join(tmpdir(), 'gridtokenx-commands-'));
  });

  afterAll(async () => {
    await app.close();
    rmSync(folder, { recursive: true });
  });

  const admin = () => ({ ADMIN_EMAIL: app.admin.email, ADMIN_PASSWORD: app.admin.password });

  it('generate a neighbourhood, and replay it with a table', async () => {
    const neighbourhood = join(folder, 'day');
    const generated = await runs('generate.command.js', [
      neighbourhood,
      '--days',
      '1',
      '--before',
      '2026-03-15',
    ]);
    expect(generated).toMatchObject({ code: 0, errors: '' });
    const replayed = await runs('replay.command.js', [neighbourhood, '--url', app.url], admin());
    expect(replayed.code).toBe(0);
    expect(replayed.output).toContain('1152 accepted, 0 duplicates, 0 revised, 0 rejected');
    expect(replayed.output.split('\n').filter((line) => line.includes('│ GTX-DEMO'))).toHaveLength(12);
    expect(replayed.errors).toMatch(/^Trading +\d+\/\d+ in /m);
    const again = await runs('replay.command.js', [neighbourhood, '--url', app.url, '--json'], admin());
    expect(again.code).toBe(0);
    expect(JSON.parse(again.output)).toMatchObject({
      sound: true,
      readings: { accepted: 0, duplicates: 1152 },
    });
  });

  it('fill an empty server with the demo and hand out the log-ins, to the owner of the file only', async () => {
    const loginsFile = join(folder, 'logins.txt');
    const empty = await startApp();
    try {
      // A wrong password must not leave households behind whose passwords are made from it.
      const wrong = { ADMIN_EMAIL: empty.admin.email, ADMIN_PASSWORD: 'wrong' };
      const day = join(folder, 'day');
      const refused = await runs('replay.command.js', [day, '--url', empty.url], wrong);
      expect(refused.errors).toContain('The server knows no admin');
      const { code, output, errors } = await runs('fill-demo.command.js', [], {
        DEMO_URL: empty.url,
        DEMO_ADMIN_TOKEN: empty.admin.token,
        DEMO_SEED_SECRET: 'a secret of tests',
        DEMO_UNTIL: new Date().toISOString().slice(0, 10),
        DEMO_LOGINS_FILE: loginsFile,
      });
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      expect(output).toContain(`${empty.url}/docs`);
      expect(statSync(loginsFile).mode & 0o777).toBe(0o600);
      const [, first = ''] = readFileSync(loginsFile, 'utf8').split('\n');
      const [, email = '', password = ''] = /(\S+@\S+) +(\S+)$/.exec(first) ?? [];
      expect(output).toContain(password);
      const mali = await empty.logsIn(email, password);
      const { body } = await empty.get('/api/meters/stats', { as: mali });
      expect(body).toMatchObject({ readings: 14 * 96, unmintedKwh: '0.000', timeZone: 'Asia/Bangkok' });
      await expectBooksToBalance(empty);
    } finally {
      await empty.close();
    }
  });

  it.each([
    [['replay.command.js'], {}, "missing required argument 'folder'"],
    [['replay.command.js', '/nowhere'], {}, 'There is no /nowhere/meters.csv: name a folder'],
    [['fill-demo.command.js'], {}, 'DEMO_URL is not set'],
    [['generate.command.js', '/dev/null/x'], {}, '/dev/null/x cannot be written'],
    [['generate.command.js', '/proc/x/y'], {}, '/proc/x/y cannot be written'],
    [['generate.command.js', 'x', '--days', '0'], {}, 'It must be a whole number from 1 to 366'],
  ])(
    'say in a sentence why %j cannot be done, and exit 1',
    async ([command = '', ...rest], variables, sentence) => {
      const { code, output, errors } = await runs(command, rest, variables);
      expect({ code, output }).toEqual({ code: 1, output: '' });
      expect(errors).toContain(sentence);
      expect(errors).not.toContain('    at ');
    },
  );

  it('do not touch the households of somebody who replayed with another password', async () => {
    const other = await app.registers({ role: 'admin' });
    const another = { ADMIN_EMAIL: other.email, ADMIN_PASSWORD: other.password };
    const { code, errors } = await runs(
      'replay.command.js',
      [join(folder, 'day'), '--url', app.url],
      another,
    );
    expect(code).toBe(1);
    // Households are registered side by side: whichever is refused first ends the replay.
    expect(errors).toMatch(
      /has an account, gtx-demo\d\d@replay\.gridtokenx\.example, but with another password/,
    );
  });

  it('ask for an admin, and tell a wrong password and a server that is away apart', async () => {
    const neighbourhood = join(folder, 'day');
    const away = ['--url', 'http://127.0.0.1:9'];
    const nobody = await runs('replay.command.js', [neighbourhood, ...away], {
      ADMIN_EMAIL: '',
      ADMIN_PASSWORD: '',
    });
    expect(nobody).toMatchObject({ code: 1, output: '' });
    expect(nobody.errors).toContain('A replay needs an admin');
    const nowhere = await runs('replay.command.js', [neighbourhood, ...away], admin());
    expect(nowhere).toMatchObject({ code: 1, output: '' });
    expect(nowhere.errors).toContain('No server answers at http://127.0.0.1:9');
    const wrong = { ...admin(), ADMIN_EMAIL: 'stranger@example.org' };
    const stranger = await runs('replay.command.js', [neighbourhood, '--url', app.url], wrong);
    expect(stranger).toMatchObject({ code: 1, output: '' });
    expect(stranger.errors).toContain('The server knows no admin stranger@example.org with this password');
    const participant = await app.registers({ role: 'operator' });
    const operator = { ADMIN_EMAIL: participant.email, ADMIN_PASSWORD: participant.password };
    const refused = await runs('replay.command.js', [neighbourhood, '--url', app.url], operator);
    expect(refused).toMatchObject({ code: 1, output: '' });
    expect(refused.errors).toContain('is operator: a replay verifies meters and deposits money');
  });
});

function runs(
  command: string,
  options: readonly string[],
  variables: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [join(COMMANDS, command), ...options], {
    // A folder without a .env of somebody's own.
    cwd: tmpdir(),
    env: { ...inherited, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output, errors }));
  });
}
