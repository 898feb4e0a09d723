import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config';
import { DatabaseService } from '../../database/database.service';
import { diskHealth } from './disk.check';
import { HealthChecks } from './health-checks';
import { HealthService, type Needs } from './health.service';
import { jobsHealth } from './jobs.check';
import { partitionsHealth } from './partitions.check';
import { replicationHealth } from './replication.check';

/** Declares what the deep check looks at whatever the domains are. */
@Injectable()
export class ServerChecks implements OnModuleInit {
  constructor(
    private readonly checks: HealthChecks,
    private readonly health: HealthService,
    private readonly database: DatabaseService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    for (const need of ['database', 'migrations', 'cache'] as const satisfies (keyof Needs)[])
      this.checks.declare(need, async () => (await this.health.readiness()).details[need]);
    this.checks.declare('disk', (source) => diskHealth(this.config, source));
    this.checks.declare('replication', (source) => {
      const { DB_REPLICA_MAX_LAG_MS: maxLagMs } = this.config.environment;
      return replicationHealth(this.database.poolState().replicas, maxLagMs, source);
    });
    this.checks.declare('partitions', (source) => partitionsHealth(source, new Date()));
    this.checks.declare('jobs', jobsHealth);
  }
}
