/**
 * Runs the neighbourhood scenarios on real data instead of the generated neighbourhood:
 * npm run test:data -- <folder>
 * where <folder> holds meters.csv and readings.csv, or a folder `community` that does.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = dirname(dirname(fileURLToPath(import.meta.url)));

/** The folder itself, or the `community` in it. */
function neighbourhoodIn(folder) {
  return [folder, join(folder, 'community')].find((candidate) =>
    ['meters.csv', 'readings.csv'].every((file) => existsSync(join(candidate, file))),
  );
}

function refuse(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

const [argument, ...others] = process.argv.slice(2);
if (argument === undefined) refuse('Name the folder with the data: npm run test:data -- ../shared/data');
const folder = resolve(argument);
const neighbourhood = neighbourhoodIn(folder);
if (neighbourhood === undefined) {
  refuse(
    existsSync(folder)
      ? `${folder} holds no meters.csv and readings.csv, and neither does a folder "community" in it`
      : `There is no folder ${folder}: name one that holds meters.csv and readings.csv, or "community" with them`,
  );
}

const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const specs = spawn(process.execPath, [jest, 'test/neighbourhood-(replay|damaged)', ...others], {
  cwd: project,
  env: { ...process.env, NEIGHBOURHOOD_DIR: neighbourhood },
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => specs.kill(signal));
specs.on('exit', (code) => process.exit(code ?? 1));
