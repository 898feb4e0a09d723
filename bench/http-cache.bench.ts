import { Logger } from '@nestjs/common';
import Table from 'cli-table3';
import { Command } from 'commander';
import { explain } from '../src/database/explained-error';
import { HTTP_TARGETS, measureHttp, type HttpMeasurement, type HttpSide } from './cache/http';

const SIDES: Record<HttpSide, string> = {
  bare: 'Fastify alone, same bytes and headers',
  hook: "before Nest's pipeline",
  interceptor: 'by the interceptor',
};

new Command('http-cache')
  .description('Measures how many answers a second a public list that is kept takes, beside Fastify alone.')
  .option('--json', 'print the result as one line of JSON', false)
  .action(run)
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = 1;
  });

async function run({ json }: { json: boolean }): Promise<void> {
  Logger.overrideLogger(false); // the applications' log would stand in the middle of the result
  const measured = await measureHttp((sentence) => void process.stderr.write(`${sentence}\n`));
  process.stdout.write(`${json ? JSON.stringify(measured) : tableOf(measured)}\n`);
  for (const [share, least] of Object.entries(HTTP_TARGETS) as [keyof typeof HTTP_TARGETS, number][]) {
    if (measured[share] >= least) continue;
    process.stderr.write(`${share} is ${measured[share].toFixed(2)} and should be at least ${least}.\n`);
    process.exitCode = 1;
  }
}

function tableOf({ bytes, rates }: HttpMeasurement): string {
  const table = new Table({
    head: [`${bytes} bytes`, 'answers/s', 'share'],
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const side of Object.keys(SIDES) as HttpSide[]) {
    const share = rates[side] / rates.bare;
    table.push([
      SIDES[side],
      Math.round(rates[side]).toLocaleString('en-US'),
      `${(100 * share).toFixed(0)} %`,
    ]);
  }
  return table.toString();
}
