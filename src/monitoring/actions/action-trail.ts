import { Injectable } from '@nestjs/common';
import { AuditService, type Actor, type Change } from '../../audit/audit.service';
import { ReservedDatabase } from '../../database/reserved-database';

/** Writes what admins do to the database into the audit trail: what was asked for first, and by itself; in a jam too. */
@Injectable()
export class ActionTrail {
  constructor(
    private readonly database: ReservedDatabase,
    private readonly audit: AuditService,
  ) {}

  record(actor: Actor, change: Change): Promise<void> {
    return this.database.transaction((tx) => {
      this.audit.record(tx, actor, change);
      return Promise.resolve();
    });
  }
}
