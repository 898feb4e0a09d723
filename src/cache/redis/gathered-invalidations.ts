import type { Invalidation } from '../invalidation-bus';

/** What is said together, and to whom it matters whether it was. */
interface Gathered {
  readonly tags: Set<string>;
  readonly keys: Set<string>;
  readonly patterns: Set<string>;
  all: boolean;
  readonly said: Promise<void>;
}

/** Makes one message of the invalidations of the same moment. */
export class GatheredInvalidations {
  private gathered: Gathered | undefined;

  /** @param say sends a message; it is called after all that was written at that moment is on its way */
  constructor(private readonly say: (invalidation: Invalidation) => Promise<void>) {}

  /** @returns when it is said; rejects where that cannot be */
  add({ tags, keys, patterns, all }: Invalidation): Promise<void> {
    const gathered = (this.gathered ??= this.begin());
    if (tags !== undefined) for (const tag of tags) gathered.tags.add(tag);
    if (keys !== undefined) for (const key of keys) gathered.keys.add(key);
    if (patterns !== undefined) for (const pattern of patterns) gathered.patterns.add(pattern);
    if (all) gathered.all = true;
    return gathered.said;
  }

  private begin(): Gathered {
    const said = new Promise<void>((resolve) => process.nextTick(resolve)).then(() => this.end());
    return { tags: new Set(), keys: new Set(), patterns: new Set(), all: false, said };
  }

  private end(): Promise<void> {
    const { tags, keys, patterns, all } = this.gathered as Gathered;
    this.gathered = undefined;
    return this.say({
      tags: [...tags],
      keys: [...keys],
      patterns: [...patterns],
      ...(all && { all }),
    });
  }
}
