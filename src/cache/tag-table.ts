import QuickLRU from 'quick-lru';

/** A tag as this process sees it: what was kept under an earlier generation counts no more. */
export class TagState {
  generation = 0;
}

/**
 * The tags that this process keeps something under. To drop all of it is to count one number up, however much it is.
 */
export class TagTable {
  private readonly states: QuickLRU<string, TagState>;

  /** @param maxTags about how many are remembered; one that is forgotten takes what is kept under it along */
  constructor(maxTags: number) {
    this.states = new QuickLRU({ maxSize: maxTags, onEviction: (_tag, state) => void state.generation++ });
  }

  statesOf(tags: readonly string[]): TagState[] {
    return tags.map((tag) => this.stateOf(tag));
  }

  drop(tag: string): void {
    const state = this.states.get(tag);
    if (state !== undefined) state.generation++;
  }

  private stateOf(tag: string): TagState {
    let state = this.states.get(tag);
    if (state === undefined) {
      state = new TagState();
      this.states.set(tag, state);
    }
    return state;
  }
}

/** Whether all tags are still what they were. */
export function unchanged(states: readonly TagState[], generations: readonly number[]): boolean {
  for (let index = 0; index < states.length; index++) {
    if ((states[index] as TagState).generation !== generations[index]) return false;
  }
  return true;
}
