/**
 * Patterns over keys, in which `*` stands for any text and everything else for itself. Keys hold no star: parts are
 * encoded, so a pattern reaches exactly as far as whoever wrote it can see.
 */

/** The pattern as Redis' SCAN takes it: its other wildcards and the escape character stand for themselves. */
export const redisGlob = (pattern: string): string => pattern.replace(/[\\?[\]^]/g, '\\$&');

/** Whether keys match, for what is kept in this process. */
export function patternMatcher(pattern: string): (key: string) => boolean {
  const pieces = pattern.split('*').map((piece) => piece.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&'));
  const form = new RegExp(`^${pieces.join('[^]*')}$`);
  return (key) => form.test(key);
}
