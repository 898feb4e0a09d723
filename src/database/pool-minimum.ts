import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import type { Pool, PoolClient } from 'pg';

const LOOK_MS = 1_000;

/**
 * Keeps a least number of connections open. pg-pool's own `min` only spares them when they are idle: it opens none before
 * they are asked for, and none in place of those whose life time is over or that a restart of the database ended.
 */
export class PoolMinimum implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private filling = false;

  /** @param poolOf gives the pool once the application has begun */
  constructor(
    private readonly poolOf: () => Pool,
    private readonly minimum: number,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.timer = setInterval(() => void this.fill(), LOOK_MS);
    this.timer.unref();
    await this.fill();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  private async fill(): Promise<void> {
    const pool = this.poolOf();
    if (this.filling || pool.ending || pool.totalCount >= this.minimum) return;
    this.filling = true;
    // The pool gives idle connections first: as many as it has are taken too, and given back at once.
    const wanted = this.minimum - pool.totalCount + pool.idleCount;
    await Promise.all(Array.from({ length: wanted }, () => takeAndGiveBack(pool)));
    this.filling = false;
  }
}

/** A database that is away is told by whoever needs it. */
async function takeAndGiveBack(pool: Pool): Promise<void> {
  const client: PoolClient | undefined = await pool.connect().catch(() => undefined);
  client?.release();
}
