import { type Command, CommanderError, InvalidArgumentError } from 'commander';
import { parseDecimal, price, type Price } from '../common/units';
import { Stopped } from './api-problem';
import { Explained } from './explained';

/** Something on the command line or in the environment is missing or wrong; the message says what to give. */
export class Misuse extends Explained {}

const INTERRUPTED = 130;

/** Runs a command to its end and leaves its exit code: 0, 1 with a sentence, or 130 after Ctrl-C. */
export async function runCommand(command: Command, variables: readonly string[]): Promise<void> {
  try {
    await command.exitOverride().parseAsync(variables);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    // Commander has said its own sentence already.
    if (!(error instanceof CommanderError)) process.stderr.write(`${sentenceOf(error)}\n`);
  }
}

/** A price per kWh from the command line: "3.25". */
export function priceOption(text: string): Price {
  const micro = parseDecimal(text, 6);
  if (micro === undefined || micro <= 0n) {
    throw new InvalidArgumentError('It must be a price per kWh with at most 6 decimals, such as 3.25.');
  }
  return price(micro);
}

/** A signal that fires at the first Ctrl-C; the second one ends the process as it always would. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  return stop.signal;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Stopped) return INTERRUPTED;
  return error instanceof CommanderError ? error.exitCode : 1;
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof Explained ? error.message : (error.stack ?? error.message);
}
