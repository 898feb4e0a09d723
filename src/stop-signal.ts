/** A process has at most ten seconds from the signal to its end, whatever hangs. */
const DEADLINE_MS = 9_500;

/**
 * The first SIGTERM or SIGINT, which may come while everything is still being started. From then on the process ends in
 * any case. Further signals change nothing: a terminal sends Ctrl-C to all of its processes, and npm passes on its own.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let deadline: NodeJS.Timeout | undefined;
    const receive = (signal: NodeJS.Signals): void => {
      deadline ??= setTimeout(() => process.exit(1), DEADLINE_MS).unref();
      resolve(signal);
    };
    process.on('SIGTERM', receive);
    process.on('SIGINT', receive);
  });
}
