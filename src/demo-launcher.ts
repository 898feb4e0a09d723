import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { z } from 'zod';
import type { Config } from './config/config';
import { DatabaseService } from './database/database.service';
import { SessionsService } from './users/sessions.service';

/**
 * What became of the demo in this DATA_DIR. `until` is the day its fortnight ends, so that a fill that was
 * interrupted goes on with the same readings.
 */
const memory = z.object({ state: z.enum(['filling', 'filled']), until: z.string() });
type Memory = z.output<typeof memory>;

/**
 * Fills an embedded market that is empty with the generated neighbourhood, by a process of its own that uses
 * the public API like anybody else. A fill that was interrupted goes on at the next start.
 */
export class DemoLauncher {
  private child: ChildProcess | undefined;
  private filling: Promise<void> = Promise.resolve();
  private stopped = false;
  private readonly memoryFile: string;

  constructor(
    private readonly app: INestApplication,
    private readonly config: Config,
  ) {
    this.memoryFile = join(config.dataDir, 'demo.json');
  }

  /** Resolves when the neighbourhood has moved in, or at once when there is nothing to do. */
  fillWhenEmpty(url: string): Promise<void> {
    this.filling = this.fill(url);
    return this.filling;
  }

  /** Ends a fill that is under way, and resolves when it has ended; the next start goes on with it. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.child?.kill('SIGTERM');
    await this.filling.catch(() => undefined);
  }

  private async fill(url: string): Promise<void> {
    if (!this.config.embedded || !this.config.demoData) return;
    const begun = this.recall() ?? (await this.begin());
    if (begun?.state !== 'filling') return;
    const session = await this.openAdminSession();
    if (session === undefined) return;
    try {
      if (await this.run(url, session.accessToken, begun.until)) this.remember({ ...begun, state: 'filled' });
    } finally {
      await this.app.get(SessionsService).logOut(undefined, session.refreshToken);
    }
  }

  private async begin(): Promise<Memory | undefined> {
    const [row] = await this.app
      .get(DatabaseService)
      .query<{ taken: boolean }>(`SELECT EXISTS (SELECT 1 FROM users WHERE role <> 'admin') AS taken`);
    if (row?.taken !== false) return undefined;
    const begun: Memory = { state: 'filling', until: new Date().toISOString().slice(0, 10) };
    this.remember(begun);
    return begun;
  }

  private async openAdminSession() {
    const database = this.app.get(DatabaseService);
    const [admin] = await database.query<{ id: string }>(
      `SELECT id FROM users WHERE role = 'admin' AND is_active ORDER BY id LIMIT 1`,
    );
    if (admin === undefined) return undefined;
    return database.transaction((tx) => this.app.get(SessionsService).open(tx, admin.id, 'demo'));
  }

  private async run(url: string, token: string, until: string): Promise<boolean> {
    if (this.stopped) return false;
    this.child = spawn(process.execPath, [join(__dirname, 'demo/fill-demo.command.js')], {
      stdio: 'inherit',
      env: {
        ...process.env,
        DEMO_URL: url,
        DEMO_ADMIN_TOKEN: token,
        DEMO_UNTIL: until,
        DEMO_SEED_SECRET: createHmac('sha256', this.config.jwtSecret).update('demo households').digest('hex'),
        DEMO_LOGINS_FILE: join(this.config.dataDir, 'demo-logins.txt'),
      },
    });
    const [code] = (await once(this.child, 'exit')) as [number | null];
    this.child = undefined;
    return code === 0;
  }

  private recall(): Memory | undefined {
    if (!existsSync(this.memoryFile)) return undefined;
    return memory.parse(JSON.parse(readFileSync(this.memoryFile, 'utf8')));
  }

  private remember(state: Memory): void {
    writeFileSync(`${this.memoryFile}.new`, JSON.stringify(state));
    renameSync(`${this.memoryFile}.new`, this.memoryFile);
  }
}
