import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseUrls } from '../../src/database/database.module';

const COMMANDS = join(__dirname, '../../dist/src/database/commands');

/** What a command left behind. */
export interface Ended {
  /** The exit code, or the signal that ended it. */
  readonly code: number | NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

/** A command on a database, as people run it: a process of its own. */
export interface RunningCommand {
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves as soon as it said this on either stream; rejects when it ended without. */
  says(words: string): Promise<void>;
}

/** Starts the built `<name>.command.js`. */
export function startCommand(
  name: string,
  words: readonly string[],
  { applicationUrl, ownerUrl }: DatabaseUrls,
): RunningCommand {
  const program = join(COMMANDS, `${name}.command.js`);
  if (!existsSync(program)) throw new Error('The commands are not built: npm run build makes dist');
  const child = spawn(process.execPath, [program, ...words], {
    cwd: tmpdir(), // where no .env is
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: applicationUrl,
      DATABASE_MIGRATION_URL: ownerUrl,
      JWT_SECRET: 'a secret of tests that is long enough',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const says = (words: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const listen = (): void => {
        if ((output + errors).includes(words)) resolve();
      };
      for (const stream of [child.stdout, child.stderr]) stream.on('data', listen);
      child.on('close', () => reject(new Error(`It ended without "${words}": ${output}${errors}`)));
      listen();
    });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output, errors }));
  });
  return { ended, says, kill: (signal) => child.kill(signal) };
}
