import { UnexpectedReply, type RedisGate } from './redis-gate';

export type Values = readonly (string | null)[];

interface Question {
  readonly keys: readonly string[];
  readonly answer: (values: Values) => void;
  readonly refuse: (error: unknown) => void;
}

/**
 * Reads of the same moment, in few round trips: what several callers ask for at once goes in one MGET, and what their
 * questions have in common, such as the version of a tag, is read once. Not for a cluster, where keys lie apart.
 */
export class BatchedReads {
  private waiting: Question[] = [];

  /** @param maxTogether questions that go in one round trip */
  constructor(
    private readonly gate: RedisGate,
    private readonly maxTogether: number,
  ) {}

  /** @param take makes the answer of the values of the keys, which come in their order and are all of one moment */
  read<Answer>(
    keys: readonly string[],
    take: (values: Values) => Answer | PromiseLike<Answer>,
  ): Promise<Answer> {
    return new Promise((resolve, refuse) => {
      const answer = (values: Values): void => {
        try {
          resolve(take(values));
        } catch (error) {
          refuse(error);
        }
      };
      const count = this.waiting.push({ keys, answer, refuse });
      if (count === 1) process.nextTick(this.send);
      else if (count === this.maxTogether) this.send();
    });
  }

  private readonly send = (): void => {
    const questions = this.waiting;
    if (questions.length === 0) return; // they went when they were enough
    this.waiting = [];
    const places = placesOf(questions);
    const { connection } = this.gate;
    this.gate
      .ask(() => connection.read(['MGET', ...places.keys()]))
      .then(
        (reply) => this.share(questions, places, reply),
        (error: unknown) => refuseAll(questions, error),
      );
  };

  private share(questions: readonly Question[], places: ReadonlyMap<string, number>, reply: unknown): void {
    if (!areValues(reply, places.size)) {
      const error = new UnexpectedReply();
      this.gate.connection.drop(error.message);
      return refuseAll(questions, error);
    }
    for (const { keys, answer } of questions)
      answer(keys.map((key) => reply[places.get(key) as number] ?? null));
  }
}

function placesOf(questions: readonly Question[]): Map<string, number> {
  const places = new Map<string, number>();
  for (const { keys } of questions) {
    for (const key of keys) if (!places.has(key)) places.set(key, places.size);
  }
  return places;
}

function refuseAll(questions: readonly Question[], error: unknown): void {
  for (const { refuse } of questions) refuse(error);
}

function areValues(reply: unknown, count: number): reply is Values {
  return (
    Array.isArray(reply) &&
    reply.length === count &&
    reply.every((value) => value === null || typeof value === 'string')
  );
}
