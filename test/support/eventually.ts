const DEADLINE_MS = 30_000;
const POLL_MS = 20;

/** Asks again and again until the answer is as wanted, and gives it; fails with the last answer after a while. */
export async function eventually<Answer>(
  ask: () => Promise<Answer> | Answer,
  isWanted: (answer: Answer) => boolean,
  withinMs = DEADLINE_MS,
): Promise<Answer> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    if (Date.now() > deadline) {
      throw new Error(
        `It did not become as wanted within ${withinMs} ms: ${JSON.stringify(answer)}, asked by ${ask.toString()}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Waits until something is the case, and fails when that takes too long. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  withinMs = DEADLINE_MS,
): Promise<void> {
  await eventually(condition, (itIs) => itIs, withinMs);
}
