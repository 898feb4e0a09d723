import { rmSync } from 'node:fs';

/** Removes a folder and all that is in it, also where a process that was ended a moment ago still writes its last file. */
export const removeFolder = (path: string): void =>
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
