import { formatMilliseconds } from '../../common/figures';
import type { HealthSource } from './health-checks';
import type { PartHealth } from './part-health';

/** Jobs are looked for twice a second; what waits so long, nobody takes. */
const LONG_WAIT = '5 minutes';
/** By then mails, minting and the partitions of the coming months have not been done for hours. */
const STANDSTILL_MS = 3_600_000;

interface Waiting {
  name: string;
  jobs: number;
  longestMs: number;
}

interface Failed {
  name: string;
  jobs: number;
}

/** From the time at which they could begin: what is tried again later, or is meant for later, does not wait. */
const WAITING = `
  SELECT name, count(*)::int AS jobs, (1000 * extract(epoch FROM now() - min(start_after)))::float8 AS "longestMs"
    FROM pgboss.job WHERE state < 'active' AND start_after < now() - interval '${LONG_WAIT}'
   GROUP BY name ORDER BY "longestMs" DESC, name`;

/** pg-boss moves what is over to its archive after half a day. */
const FAILED = `
  SELECT name, count(*)::int AS jobs
    FROM (SELECT name, completed_on FROM pgboss.job WHERE state = 'failed'
           UNION ALL
          SELECT name, completed_on FROM pgboss.archive
           WHERE state = 'failed' AND archived_on > now() - interval '1 day') over
   WHERE completed_on > now() - interval '1 day'
   GROUP BY name ORDER BY jobs DESC, name`;

/** Whether jobs are taken up in time, and come to a good end. */
export async function jobsHealth(source: HealthSource): Promise<PartHealth> {
  const [waiting, failed] = await Promise.all([source.query<Waiting>(WAITING), source.query<Failed>(FAILED)]);
  const longestWaitMs = waiting[0]?.longestMs ?? 0;
  const figures = { waiting: sum(waiting), longestWaitMs, failed: sum(failed) };
  const found = [
    ...waiting.map(
      ({ name, jobs, longestMs }) =>
        `${jobs} of ${name} ${jobs === 1 ? 'waits' : 'wait'}, for ${formatMilliseconds(longestMs)} by now`,
    ),
    ...failed.map(({ name, jobs }) => `${jobs} of ${name} failed within a day`),
  ];
  if (found.length === 0)
    return { status: 'up', detail: `No job waits for more than ${LONG_WAIT}, and none failed`, figures };
  return {
    status: longestWaitMs >= STANDSTILL_MS ? 'down' : 'degraded',
    detail: found.join('; '),
    remedy: [
      ...(waiting.length > 0
        ? [
            'Jobs wait where no process that knows them runs, or where more come than are done: start one more, and look for "Jobs wait" in the log.',
          ]
        : []),
      ...(failed.length > 0
        ? [
            'The log and the column output of pgboss.job say why a job failed; after the mend a new one is enqueued by what wants it.',
          ]
        : []),
    ].join(' '),
    figures,
  };
}

const sum = (rows: readonly { jobs: number }[]): number => rows.reduce((total, { jobs }) => total + jobs, 0);
