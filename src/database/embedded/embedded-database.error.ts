/** What stands in the way of the embedded database, as one sentence for people: what, where, what to do. */
export class EmbeddedDatabaseError extends Error {
  override readonly name = 'EmbeddedDatabaseError';
}

const reasons: Record<string, string> = {
  EACCES: 'this user has no permission there',
  EPERM: 'this user has no permission there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a part of that path is a file, not a folder',
  EEXIST: 'a file of that name is in the way',
  ENOENT: 'it does not exist',
  EMFILE: 'too many files are open',
};

/** The operating system's error code, such as `ENOENT`, or undefined for any other kind of error. */
export function systemCode(error: unknown): string | undefined {
  return textOf(error, 'code');
}

/** Why the operating system refused, in words; its own message where the code is not a common one. */
export function systemReason(error: unknown): string {
  return reasons[systemCode(error) ?? ''] ?? textOf(error, 'message') ?? String(error);
}

function textOf(error: unknown, property: 'code' | 'message'): string | undefined {
  const value: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, property) : undefined;
  return typeof value === 'string' ? value : undefined;
}

/**
 * Runs a file operation and turns the operating system's refusal into a sentence.
 * @param attempt what could not be done, as the beginning of the sentence, such as `DATA_DIR /x cannot be created`
 * @throws EmbeddedDatabaseError when the operation fails
 */
export function explained<T>(attempt: string, advice: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    if (error instanceof EmbeddedDatabaseError) throw error;
    throw new EmbeddedDatabaseError(`${attempt} because ${systemReason(error)}: ${advice}.`, {
      cause: error,
    });
  }
}
