import { Presets, SingleBar } from 'cli-progress';
import { progressOf, type BuildProgress } from '../indexes/build-progress';
import type { Step } from '../indexes/index-step';
import type { BuildEvent } from '../indexes/run-step';
import type { StatementRunner } from '../indexes/statement-runner';

const LOOK_EVERY_MS = 250;
/** What a step counts for beside the bytes that it reads, so that small ones move the bar too. */
const STEP_WEIGHT = 65_536;
const PERCENT = 100;

/** Shows how far a number of builds is: the steps that are done, and the server's own progress within a step. */
export class BuildBar {
  private readonly bar: SingleBar | undefined;
  private readonly total: number;
  private done = 0;
  /** Of the current step: what the server counts begins anew in some phases, the bar never goes back. */
  private within = 0;
  private current: Step | undefined;
  private began = 0;
  private told = '';
  private readonly timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();

  /**
   * @param observer another session than the one that builds
   * @param pid the process of the server that builds
   */
  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly observer: StatementRunner,
    private readonly pid: number,
    steps: readonly Step[],
  ) {
    this.total = steps.reduce((sum, step) => sum + weightOf(step), 0);
    if (!stream.isTTY) return;
    const format = '{bar} {percentage}% {what}';
    const options = { stream, format, hideCursor: true, barsize: 30, noTTYOutput: false };
    this.bar = new SingleBar(options, Presets.shades_classic);
    this.bar.start(PERCENT, 0, { what: '' });
    this.timer = setInterval(() => {
      this.looking = this.looking.then(() => this.look());
    }, LOOK_EVERY_MS);
  }

  /** Takes what a build tells of itself. */
  readonly tell = (event: BuildEvent): void => {
    if (event.kind === 'begins') this.begin(event.step);
    if (event.kind === 'ends') this.finish(event.step);
    if (event.kind === 'waits') this.wait(event.sentence);
  };

  /** Puts the screen in order; also when the work failed. */
  async end(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
    this.bar?.stop();
  }

  private begin(step: Step): void {
    this.current = step;
    this.began = performance.now();
    this.within = 0;
    this.show(describe(step));
  }

  private finish(step: Step): void {
    this.current = undefined;
    this.done += weightOf(step);
    this.within = 0;
    this.show(describe(step));
    if (this.bar !== undefined || step.manner === 'briefly') return;
    const seconds = ((performance.now() - this.began) / 1000).toFixed(1);
    this.stream.write(`${describe(step)}: ${seconds} s\n`);
  }

  private wait(sentence: string): void {
    if (this.bar !== undefined) this.show(sentence);
    else if (sentence !== this.told) this.stream.write(`${sentence}\n`);
    this.told = sentence;
  }

  private async look(): Promise<void> {
    const step = this.current;
    if (step === undefined) return;
    // Who cannot look shows less; the build itself tells what goes wrong.
    const progress: BuildProgress | undefined = await progressOf(this.observer, this.pid).catch(
      () => undefined,
    );
    if (progress === undefined || step !== this.current) return;
    this.within = Math.max(this.within, weightOf(step) * progress.fraction);
    this.show(`${describe(step)}: ${progress.phase}`);
  }

  private show(what: string): void {
    const share = this.total === 0 ? 1 : Math.min(1, (this.done + this.within) / this.total);
    this.bar?.update(Math.floor(share * PERCENT), { what });
  }
}

const weightOf = ({ bytes }: Step): number => bytes + STEP_WEIGHT;

const VERBS: Record<Step['action'], string> = {
  create: 'building',
  attach: 'attaching a part of',
  rename: 'exchanging',
  drop: 'dropping',
  reindex: 'rebuilding',
};

const describe = ({ action, index, table }: Step): string => `${VERBS[action]} ${index} on ${table}`;
