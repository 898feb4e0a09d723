import { unchanged, type TagState } from './tag-table';

/**
 * Somebody is finding out an answer. Whatever is invalidated meanwhile dooms what is found: it is still given to
 * whoever asked before, but never kept in this process and never shared with those who ask after.
 */
export class Search<Result = unknown> {
  /** What will be found, once somebody looks. */
  answer: Promise<Result> | undefined;
  /** Somebody who came later waits for it too. */
  isJoined = false;
  private generations: number[];
  private doomed = false;

  constructor(
    readonly key: string,
    readonly states: readonly TagState[],
    /** Under what it is found, where only searches under the same may be shared. */
    readonly under = '',
  ) {
    this.generations = states.map(({ generation }) => generation);
  }

  get isDoomed(): boolean {
    return this.doomed || !unchanged(this.states, this.generations);
  }

  /** Of the tags, when it began. */
  get began(): readonly number[] {
    return this.generations;
  }

  doom(): void {
    this.doomed = true;
  }

  /** It starts all over: what was invalidated before does not matter to what it finds from now on. */
  restart(): void {
    this.doomed = false;
    this.generations = this.states.map(({ generation }) => generation);
  }
}

/** All searches that run in this process, by key. */
export class InFlight {
  private readonly searches = new Map<string, Search[]>();

  /** A search for this key whose answer whoever asks now may share. */
  joinable(key: string, under = ''): Search | undefined {
    return this.searches
      .get(key)
      ?.find((search) => search.answer !== undefined && search.under === under && !search.isDoomed);
  }

  /** The same for somebody who waits for the answer. */
  join(key: string, under?: string): Search | undefined {
    const search = this.joinable(key, under);
    if (search !== undefined) search.isJoined = true;
    return search;
  }

  add(search: Search): void {
    const running = this.searches.get(search.key);
    if (running === undefined) this.searches.set(search.key, [search]);
    else running.push(search);
  }

  remove(search: Search): void {
    const running = this.searches.get(search.key);
    if (running === undefined) return;
    const place = running.indexOf(search);
    if (place < 0) return;
    if (running.length === 1) this.searches.delete(search.key);
    else this.searches.set(search.key, running.toSpliced(place, 1));
  }

  doomKey(key: string): void {
    const running = this.searches.get(key);
    if (running !== undefined) for (const search of running) search.doom();
  }

  doomMatching(matches: (key: string) => boolean): void {
    for (const [key, searches] of this.searches) {
      if (matches(key)) for (const search of searches) search.doom();
    }
  }

  doomAll(): void {
    this.doomMatching(() => true);
  }
}
