import { transformFileSync } from '@swc/core';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { edited, type EditBlock, type FileBlock } from './document-blocks';
import { removeFolder } from './remove-folder';

const PROJECT = resolve(__dirname, '../..');
/** What is installed, built or private is no source. */
const LEFT_OUT = new Set(['node_modules', 'dist', 'coverage', '.git', '.data', '.env']);
const COMPILED = ['src', 'migrations', 'bench'];
/** What the build has read of the routes. */
const ANSWERS = 'dist/api-answers.json';

/** What a command printed, errors included, and how it ended. */
export interface CommandResult {
  readonly printed: string;
  readonly exitCode: number | null;
}

/** The sources of this project in a temporary folder, with the packages that are installed, to try changes on. */
export class ProjectCopy {
  readonly folder = mkdtempSync(join(tmpdir(), 'gridtokenx-copy-'));
  /** Where its commands keep what is theirs, so that it goes with the rest. */
  private readonly temporary = join(this.folder, 'tmp');
  private readonly running = new Set<ChildProcess>();

  constructor() {
    chmodSync(this.folder, 0o755); // as root, PostgreSQL runs as another user
    for (const name of readdirSync(PROJECT).filter((entry) => !LEFT_OUT.has(entry)))
      cpSync(join(PROJECT, name), join(this.folder, name), { recursive: true, preserveTimestamps: true });
    symlinkSync(join(PROJECT, 'node_modules'), join(this.folder, 'node_modules'));
    // Commands build before they run. Here that is done by `transpile`, in a second instead of twenty.
    writeFileSync(join(this.folder, 'scripts/build.mjs'), '');
    mkdirSync(this.temporary);
  }

  /**
   * Writes a file of a document, or the lines that it adds to one.
   * @throws Error when a file that a command has written is not the one that the document shows
   */
  apply(block: FileBlock | EditBlock): void {
    const path = join(this.folder, block.file);
    if (block.kind === 'file' && block.drafted) return this.expectFile(block);
    const content = block.kind === 'file' ? block.text : edited(readFileSync(path, 'utf8'), block);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }

  /** Runs a line of a shell in the copy, on what its sources are now. It sees these variables only. */
  async run(command: string, variables: Record<string, string> = {}): Promise<CommandResult> {
    this.transpile();
    const child = spawn(`{ ${command}\n} 2>&1`, {
      cwd: this.folder,
      shell: true,
      detached: true, // a group of its own, which can be ended as a whole
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        TMPDIR: this.temporary,
        NO_COLOR: '1',
        npm_config_loglevel: 'silent', // npm's own lines are not the command's
        npm_config_update_notifier: 'false',
        ...variables,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.running.add(child);
    const [printed, [exitCode]] = await Promise.all([
      textOf(child.stdout),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    this.running.delete(child);
    return { printed, exitCode };
  }

  /** Ends what still runs in it. */
  remove(): void {
    for (const { pid } of this.running) if (pid !== undefined) process.kill(-pid, 'SIGTERM');
    removeFolder(this.folder);
  }

  private expectFile({ file, text }: FileBlock): void {
    const written = readFileSync(join(this.folder, file), 'utf8');
    if (written !== text) throw new Error(`${file} should be\n\n${text}\nbut is\n\n${written}`);
  }

  /** Makes the outputs of sources that changed since theirs were made. Types are not looked at. */
  private transpile(): void {
    const { $schema: _, ...options } = JSON.parse(
      readFileSync(join(this.folder, '.swcrc'), 'utf8'),
    ) as Record<string, unknown>;
    for (const source of COMPILED.flatMap((folder) => this.sourcesIn(folder))) {
      const output = join(this.folder, 'dist', source.replace(/\.ts$/, '.js'));
      if (isCurrent(join(this.folder, source), output)) continue;
      mkdirSync(dirname(output), { recursive: true });
      const { code } = transformFileSync(join(this.folder, source), { ...options, swcrc: false });
      writeFileSync(output, code);
    }
    cpSync(join(this.folder, 'package.json'), join(this.folder, 'dist/package.json'));
    this.readAnswers();
  }

  /** Reads anew what routes answer where a controller has changed: nothing else that is tried here changes it. */
  private readAnswers(): void {
    const answers = join(this.folder, ANSWERS);
    if (!existsSync(answers)) cpSync(join(PROJECT, ANSWERS), answers, { preserveTimestamps: true });
    const controllers = this.sourcesIn('src').filter((file) => file.endsWith('.controller.ts'));
    if (controllers.every((file) => isCurrent(join(this.folder, file), answers))) return;
    execFileSync(process.execPath, ['scripts/api-answers.mjs'], { cwd: this.folder, stdio: 'inherit' });
  }

  private sourcesIn(folder: string): string[] {
    return readdirSync(join(this.folder, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /(?<!\.spec)\.ts$/.test(file))
      .map((file) => join(folder, file));
  }
}

const isCurrent = (source: string, output: string): boolean =>
  existsSync(output) && statSync(output).mtimeMs >= statSync(source).mtimeMs;
