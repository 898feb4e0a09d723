import { cpus } from 'node:os';
import { Logger } from '@nestjs/common';
import { Command } from 'commander';
import { explain } from '../src/database/explained-error';
import { missedTargets, type Finding } from './finding';
import { findingsTable } from './findings-table';
import { withPair } from './monitoring/measured-pair';
import { measureMetricsCost } from './monitoring/metrics-cost';
import { measureScrapeCost } from './monitoring/scrape-cost';
import { progressOn } from './progress';

const TURNS = 40;
const SCRAPES = 200;

const DESCRIPTION = [
  'Measures what it costs to be watched: a request for a kept list with metrics and without, in two processes that ' +
    'take turns, by what they spend of a core; and a scrape of /metrics.',
  'It works on a PostgreSQL of its own, on loopback, and takes about a minute.',
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
  const findings = await measure();
  const missed = missedTargets(findings);
  const circumstances = {
    measuredAt: new Date().toISOString(),
    node: process.versions.node,
    cores: cpus().length,
  };
  const { measuredAt, node, cores } = circumstances;
  process.stdout.write(
    json
      ? `${JSON.stringify({ ...circumstances, findings, missed })}\n`
      : `Node ${node}, ${cores} cores, ${measuredAt}\n\n${findingsTable(findings)}\n`,
  );
  for (const sentence of missed) process.stderr.write(`${sentence}\n`);
  if (missed.length > 0) process.exitCode = 1;
}

async function measure(): Promise<Finding[]> {
  const progress = progressOn(process.stderr);
  try {
    return await withPair(async (pair) => {
      progress.show('measuring requests', 0, 2);
      const metrics = await measureMetricsCost(pair, TURNS);
      progress.show('measuring scrapes', 1, 2);
      const scrapes = await measureScrapeCost(pair, SCRAPES);
      progress.show('measured', 2, 2);
      return [metrics, scrapes];
    });
  } finally {
    progress.end();
  }
}
