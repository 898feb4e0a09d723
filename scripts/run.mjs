/**
 * node scripts/run.mjs <file below dist> [arguments]
 * Builds what has changed and then runs the file in this very process: a shell between npm and the server would take
 * SIGTERM for itself and leave the server behind. For the same reason `npm start` says `exec`; where the shell knows no
 * such word (Windows), what follows it runs instead.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, URL } from 'node:url';

// The image has what was built, and nothing to build it from.
if (existsSync(new URL('../src', import.meta.url))) await import('./build.mjs');

if (!process.exitCode) {
  const [node, , file, ...others] = process.argv;
  const program = fileURLToPath(new URL(`../dist/${file}.js`, import.meta.url));
  process.argv = [node, program, ...others];
  createRequire(import.meta.url)(program);
}
