import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { newId } from '../../src/common/id';
import { ExplainedError } from '../../src/database/explained-error';
import type { CallersOrder, CallersResult } from './callers-process';
import type { Finding } from '../finding';

const PROCESSES = 2;
const CALLERS = 10_000;

/** Many callers of one cold key, in two processes at once: how often it is computed. */
export async function measureOneLoad(redisUrl: string): Promise<Finding> {
  const order: CallersOrder = {
    redisUrl,
    entry: { key: ['bench:cold', newId()], ttlSeconds: 60, tags: ['bench:cold'] },
    callers: CALLERS,
  };
  const processes = Array.from({ length: PROCESSES }, () =>
    fork(join(__dirname, 'callers-process.js'), { execArgv: [] }),
  );
  try {
    await Promise.all(processes.map((one) => told(one, order)));
    const results = await Promise.all(processes.map((one) => told(one, 'ask')));
    return findingOf(results);
  } finally {
    for (const one of processes) one.kill();
  }
}

/** Says something to a process, and waits for what it says then. */
async function told(one: ChildProcess, what: CallersOrder | 'ask'): Promise<CallersResult> {
  one.send(what);
  const ended = once(one, 'exit').then(([code]) => {
    throw new ExplainedError(`A process of callers ended with ${code} before it had answered`);
  });
  const [result] = (await Promise.race([once(one, 'message'), ended])) as [CallersResult];
  ended.catch(() => undefined);
  return result;
}

function findingOf(results: readonly CallersResult[]): Finding {
  const answered = results.filter((result) => result.kind === 'answered');
  const loads = answered.reduce((sum, result) => sum + result.loads, 0);
  const side = `${PROCESSES} × ${CALLERS} callers`;
  const isOneAnswer = answered.length === PROCESSES && answered.every(({ distinct }) => distinct === 1);
  return {
    name: 'one-load',
    title: 'One cold key',
    unit: 'loads',
    sides: [{ side, figure: loads }],
    comparisons: [{ side, against: 'one load', ratio: loads, limit: { atMost: 1 } }],
    missed: isOneAnswer ? [] : ['Callers of one cold key were given different answers'],
  };
}
