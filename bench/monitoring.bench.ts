import { Logger } from '@nestjs/common';
import { Command } from 'commander';
import { explain } from '../src/database/explained-error';
import type { Finding } from './finding';
import { figuresOfRun, showFigures, showMissed } from './findings-report';
import { withServers } from './monitoring/measured-servers';
import { measureMetricsCost } from './monitoring/metrics-cost';
import { measureScrapeCost } from './monitoring/scrape-cost';
import { progressOn } from './progress';

const PAIRS = 8;
const TURNS = 8;
const SCRAPES = 100;

const DESCRIPTION = [
  'Measures what it costs to be watched: a request for a kept list with metrics and without, in processes that ' +
    'take turns, by what they spend of a core; and a scrape of /metrics.',
  'It works on a PostgreSQL of its own, on loopback, and takes about two minutes.',
].join('\n\n');

const HELP = `
Promised are 5 % of a core per request at most, scrapes below 20 ms and less than 8 000 lines.

Exit code: 0 when every promise is kept, 1 when not, with a sentence for each that is not.

Examples:
  npm run bench:monitoring
  npm run bench:monitoring -- --json`;

const command = new Command('npm run bench:monitoring --')
  .description(DESCRIPTION)
  .option('--json', 'print the result as one line of JSON', false)
  .addHelpText('after', HELP)
  .showHelpAfterError('Try: npm run bench:monitoring -- --help')
  .action(run);

command.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});

async function run({ json }: { readonly json: boolean }): Promise<void> {
  Logger.overrideLogger(false); // the application's log would stand in the middle of the result
  const figures = figuresOfRun(await measure());
  showFigures(figures, json);
  showMissed(figures.missed);
}

async function measure(): Promise<Finding[]> {
  const progress = progressOn(process.stderr);
  try {
    return await withServers(async (start) => {
      const metrics = await measureMetricsCost(start, PAIRS, TURNS, (pair) =>
        progress.show('measuring requests', pair, PAIRS + 1),
      );
      progress.show('measuring scrapes', PAIRS, PAIRS + 1);
      const scrapes = await measureScrapeCost(start, SCRAPES);
      progress.show('measured', PAIRS + 1, PAIRS + 1);
      return [metrics, scrapes];
    });
  } finally {
    progress.end();
  }
}
