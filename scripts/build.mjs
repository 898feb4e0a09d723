/**
 * Builds when a source has changed since the last build, and is done at once when none has: what starts the market or
 * reaches its database does not wait for the compiler. Outputs whose source has gone go too, since a migration that is
 * left behind in dist/ would still be applied.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(project, 'dist/built-from');
const FOLDERS = ['src', 'migrations', 'bench'];
/** What else decides on the outputs: the compiler's settings, its own and the packages' versions, and what reads answers. */
const FILES = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'scripts/answer-schemas.mjs',
  'scripts/api-answers.mjs',
  'scripts/refusals.mjs',
];

/** Files below a folder of the project, as paths in it. */
function filesIn(folder) {
  return readdirSync(join(project, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(project.length + 1));
}

function sourcesDigest() {
  const digest = createHash('sha256');
  for (const file of [...FILES, ...FOLDERS.flatMap(filesIn)].sort())
    digest
      .update(`${file}\0`)
      .update(readFileSync(join(project, file)))
      .update('\0');
  return digest.digest('hex');
}

function removeOrphans() {
  for (const folder of FOLDERS.filter((name) => existsSync(join(project, 'dist', name)))) {
    for (const output of filesIn(join('dist', folder))) {
      const source = output.replace(/^dist./, '').replace(/\.js(\.map)?$/, '.ts');
      if (!existsSync(join(project, source))) rmSync(join(project, output));
    }
  }
}

function build() {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  return run(compiler, '-p', 'tsconfig.build.json') || run(join(project, 'scripts/api-answers.mjs'));
}

/** @returns the exit code of a program of node's */
function run(...program) {
  const { status } = spawnSync(process.execPath, program, { cwd: project, stdio: 'inherit' });
  return status ?? 1;
}

const digest = sourcesDigest();
/** Whether another compiler, that of start:dev say, wrote outputs after our last build: they need not be of these sources. */
function isOvertaken() {
  const built = statSync(stamp).mtimeMs;
  const outputs = FOLDERS.flatMap((folder) => filesIn(join('dist', folder)));
  return outputs.some((file) => statSync(join(project, file)).mtimeMs > built);
}

const upToDate =
  existsSync(join(project, 'dist/src/main.js')) &&
  existsSync(join(project, 'dist/api-answers.json')) &&
  existsSync(stamp) &&
  readFileSync(stamp, 'utf8') === digest &&
  !isOvertaken();
if (!upToDate) {
  rmSync(stamp, { force: true });
  removeOrphans();
  process.exitCode = build();
  if (process.exitCode === 0) writeFileSync(stamp, digest);
}
