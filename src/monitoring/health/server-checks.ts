import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config';
import { DatabaseService } from '../../database/database.service';
import { diskHealth } from './disk.check';
import { HealthChecks } from './health-checks';
import { HealthService, type Needs } from './health.service';
import { jobsHealth } from './jobs.check';
import { partitionsHealth } from './partitions.check';
import { replicationHealth } from './replication.check';

/** Declares what the deep check looks at whatever the domains are; at once, so that it stands before what they declare. */
@Injectable()
export class ServerChecks {
  constructor(
    checks: HealthChecks,
    health: HealthService,
    database: DatabaseService,
    @Inject(CONFIG) config: Config,
  ) {
    for (const need of ['database', 'migrations', 'cache'] as const satisfies (keyof Needs)[])
      checks.declare(need, async () => (await health.readiness()).details[need]);
    checks.declare('disk', (source) => diskHealth(config, source));
    checks.declare('replication', (source) => {
      const { DB_REPLICA_MAX_LAG_MS: maxLagMs } = config.environment;
      return replicationHealth(database.poolState().replicas, maxLagMs, source);
    });
    checks.declare('partitions', (source) => partitionsHealth(source, new Date()));
    checks.declare('jobs', jobsHealth);
  }
}
