import { Injectable } from '@nestjs/common';
import { AuditService, type Actor, type Change } from '../../audit/audit.service';
import { DatabaseService } from '../../database/database.service';

/** Writes what admins do to the database into the audit trail: what was asked for first, and by itself. */
@Injectable()
export class ActionTrail {
  constructor(
    private readonly database: DatabaseService,
    private readonly audit: AuditService,
  ) {}

  record(actor: Actor, change: Change): Promise<void> {
    return this.database.transaction((tx) => {
      this.audit.record(tx, actor, change);
      return Promise.resolve();
    });
  }
}
