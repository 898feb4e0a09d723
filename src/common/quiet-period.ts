/** Lets one message through, holds back those that follow within a period, and counts them. */
export class QuietPeriod {
  private endsAt = -Infinity;
  private heldBack = 0;

  constructor(private readonly milliseconds: number) {}

  /** Undefined: be silent. Otherwise speak, and tell how many were held back since the last time. */
  pass(): number | undefined {
    const now = performance.now();
    if (now < this.endsAt) {
      this.heldBack += 1;
      return undefined;
    }
    const { heldBack } = this;
    this.endsAt = now + this.milliseconds;
    this.heldBack = 0;
    return heldBack;
  }
}
