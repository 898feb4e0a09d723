import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeFolder } from './remove-folder';

const SERVER = join(__dirname, '../../dist/src/main.js');
export const ADMIN = { email: 'admin@example.org', password: 'correct horse battery' };

/** The built server as people start it: a process of its own with an embedded database. */
export class ServerProcess {
  private output = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | NodeJS.Signals>;

  /** @param main another build than this project's own */
  constructor(variables: Record<string, string>, main = SERVER) {
    this.child = spawn(process.execPath, [main], {
      cwd: tmpdir(), // where no .env is
      env: { PATH: process.env['PATH'], DEMO_DATA: 'false', PORT: '0', ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.ended = once(this.child, 'close').then(
      ([code, signal]) => (code ?? signal) as number | NodeJS.Signals,
    );
  }

  /** Everything it said so far. */
  get said(): string {
    return this.output;
  }

  /** Where it listens, as soon as it says so. */
  async ready(): Promise<string> {
    let exit: number | NodeJS.Signals | undefined;
    void this.ended.then((code) => (exit = code));
    for (;;) {
      const url = /^listening on (http:\S+)$/m.exec(this.output)?.[1];
      if (url !== undefined) return url;
      if (exit !== undefined) throw new Error(`The server ended with ${exit} and said: ${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** The exit code, or the signal that ended it. */
  exit(): Promise<number | NodeJS.Signals> {
    return this.ended;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.kill(signal);
    return this.ended;
  }
}

/** A folder that the user of PostgreSQL can enter, also when it is root's. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'gridtokenx-server-'));
  chmodSync(path, 0o755);
  return { path, remove: () => removeFolder(path) };
}

/** A port that somebody else listens on. */
export async function takenPort(): Promise<{ port: number; free: () => void }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, free: () => server.close() };
}

export async function postJson(url: string, body: unknown, token?: string): Promise<any> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  return response.json();
}
