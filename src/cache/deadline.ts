/** Somebody else did not answer in time. */
export class TooLate extends Error {}

/**
 * The answer, or {@link TooLate}. When this process itself was busy, an answer that has arrived meanwhile still counts:
 * timers come first after a pause, and sockets are read before it is given up.
 */
export function withinDeadline<Result>(
  answer: Promise<Result>,
  milliseconds: number,
  who: string,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      setImmediate(() => reject(new TooLate(`${who} did not answer within ${milliseconds} ms`)));
    }, milliseconds);
    answer.then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
