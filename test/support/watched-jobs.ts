import { inContext } from '../../src/common/request-context';
import { JobsService } from '../../src/jobs/jobs.service';

type Work = (data: object) => Promise<void>;

/** The jobs that the application declares while it starts. */
export class WatchedJobs {
  /** Those that come by the clock, by name. */
  readonly recurring = new Map<string, () => Promise<void>>();
  /** Those that something enqueues. */
  readonly enqueued = new Set<string>();
  /** Those that ran to their end. */
  readonly done = new Set<string>();

  /** Runs every recurring job once, as its time had come. */
  async runRecurring(): Promise<void> {
    for (const [name, work] of this.recurring) {
      await inContext({ work: `job ${name}` }, work);
      this.done.add(name);
    }
  }

  /** Which jobs never ran, each as a sentence that says what to do. */
  missing(): string[] {
    return [...this.enqueued]
      .filter((name) => !this.done.has(name))
      .map((name) => `The job ${name} never ran: let test/support/api-writes.ts do what enqueues it`);
  }
}

/** Watches the jobs of applications that start from now on in this test file. */
export function watchJobs(): WatchedJobs {
  const watched = new WatchedJobs();
  const real = { ...Object.getOwnPropertyDescriptors(JobsService.prototype) };
  jest.spyOn(JobsService.prototype, 'declare').mockImplementation(function (
    this: JobsService,
    name: string,
    handle: Work,
  ) {
    watched.enqueued.add(name);
    const watching: Work = async (data) => {
      await handle(data);
      watched.done.add(name);
    };
    (real.declare.value as JobsService['declare']).call(this, name, watching);
  });
  jest.spyOn(JobsService.prototype, 'declareRecurring').mockImplementation(function (
    this: JobsService,
    name: string,
    cron: string,
    handle: () => Promise<void>,
  ) {
    watched.recurring.set(name, handle);
    (real.declareRecurring.value as JobsService['declareRecurring']).call(this, name, cron, handle);
  });
  return watched;
}
