import { UnexpectedReply, type RedisGate } from './redis-gate';

type Values = readonly (string | null)[];

interface Question {
  readonly keys: readonly string[];
  readonly answered: Promise<Values>;
  readonly answer: (values: Values) => void;
  readonly refuse: (error: unknown) => void;
}

/** The values of the keys, in their order, all of one moment. Not for a cluster, where keys lie apart. */
export const readMany = <Answer>(
  gate: RedisGate,
  keys: readonly string[],
  take: (values: Values) => Answer | Promise<Answer>,
): Promise<Answer> =>
  gate
    .ask(() => gate.connection.read(['MGET', ...keys]))
    .then((reply) => {
      if (areValues(reply, keys.length)) return take(reply);
      const error = new UnexpectedReply();
      gate.connection.drop(error.message);
      throw error;
    });

/**
 * Reads short values, in one round trip for all who ask at the same moment; what their questions have in common, such
 * as the version of a tag, is read once. Not for a cluster.
 */
export class BatchedReads {
  /** By their keys: whoever asks for the same at the same moment is given the same answer. */
  private waiting = new Map<string, Question>();

  constructor(private readonly gate: RedisGate) {}

  /** @returns the values of the keys, in their order, all of one moment */
  read(keys: readonly string[]): Promise<Values> {
    const name = keys.join(' ');
    const asked = this.waiting.get(name);
    if (asked !== undefined) return asked.answered;
    if (this.waiting.size === 0) process.nextTick(this.send);
    const question = questionFor(keys);
    this.waiting.set(name, question);
    return question.answered;
  }

  private readonly send = (): void => {
    const questions = [...this.waiting.values()];
    this.waiting = new Map();
    const places = placesOf(questions);
    readMany(this.gate, [...places.keys()], (values) => share(questions, places, values)).catch(
      (error: unknown) => {
        for (const { refuse } of questions) refuse(error);
      },
    );
  };
}

function questionFor(keys: readonly string[]): Question {
  let answer: Question['answer'] = () => undefined;
  let refuse: Question['refuse'] = () => undefined;
  const answered = new Promise<Values>((resolve, reject) => {
    answer = resolve;
    refuse = reject;
  });
  return { keys, answered, answer, refuse };
}

function placesOf(questions: readonly Question[]): Map<string, number> {
  const places = new Map<string, number>();
  for (const { keys } of questions) {
    for (const key of keys) if (!places.has(key)) places.set(key, places.size);
  }
  return places;
}

function share(questions: readonly Question[], places: ReadonlyMap<string, number>, values: Values): void {
  for (const { keys, answer } of questions)
    answer(keys.map((key) => values[places.get(key) as number] ?? null));
}

function areValues(reply: unknown, count: number): reply is Values {
  return (
    Array.isArray(reply) &&
    reply.length === count &&
    reply.every((value) => value === null || typeof value === 'string')
  );
}
