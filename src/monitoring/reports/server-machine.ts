import { availableParallelism, totalmem } from 'node:os';
import type { ReportSource } from './report-source';

/** What the machine has that PostgreSQL runs on. */
export interface ServerMachine {
  readonly cores: number;
  /** Bytes of memory, or what the container may take of them. */
  readonly memory: number;
}

/** Said where the machine is another one. */
export const ELSEWHERE =
  'PostgreSQL runs on another machine than this process, so its memory and cores are not known here';

/**
 * The machine of the server, where it is this one: reached over the loopback interface or a local socket.
 * @returns undefined where it is another one
 */
export async function serverMachine(source: ReportSource): Promise<ServerMachine | undefined> {
  const [server] = await source.query<{ here: boolean }>(
    `SELECT coalesce(inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1', true) AS here`,
  );
  if (server?.here !== true) return undefined;
  // A container without a limit says 0, or more than any machine has.
  const limit = process.constrainedMemory();
  return { cores: availableParallelism(), memory: limit > 0 ? Math.min(limit, totalmem()) : totalmem() };
}
