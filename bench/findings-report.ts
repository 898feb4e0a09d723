import { cpus } from 'node:os';
import { missedTargets, type Finding } from './finding';
import { findingsTable } from './findings-table';

/** What was found, where and when, and a sentence for each promise that was not kept. */
export function figuresOfRun(findings: readonly Finding[]) {
  const circumstances = {
    measuredAt: new Date().toISOString(),
    node: process.versions.node,
    cores: cpus().length,
  };
  return { ...circumstances, findings, missed: missedTargets(findings) };
}

/** For people a table, for machines one line of JSON. */
export function showFigures(figures: ReturnType<typeof figuresOfRun>, json: boolean): void {
  const { measuredAt, node, cores, findings } = figures;
  process.stdout.write(
    json
      ? `${JSON.stringify(figures)}\n`
      : `Node ${node}, ${cores} cores, ${measuredAt}\n\n${findingsTable(findings)}\n`,
  );
}

/** Says what was not kept, and lets the command end with 1 then. */
export function showMissed(missed: readonly string[]): void {
  for (const sentence of missed) process.stderr.write(`${sentence}\n`);
  if (missed.length > 0) process.exitCode = 1;
}
