import { Injectable } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service';
import type { Principal } from '../../auth/principal';
import { CacheService } from '../../cache/cache.service';
import { HTTP_PREFIX } from '../../cache/http/http-cache-policy';
import { DatabaseService } from '../../database/database.service';
import { cacheReportView, type CacheReportView } from './cache-report.view';

/** What shall be dropped: all whose keys begin so, or all that carry the tag. */
export type Dropping = { readonly prefix: string } | { readonly tag: string };

/** What was dropped; how many there were is known of prefixes only. */
export interface DroppedView {
  readonly prefix: string | null;
  readonly tag: string | null;
  readonly dropped: number | null;
}

/** The cache as those see it who run the market. */
@Injectable()
export class CacheAdminService {
  constructor(
    private readonly cache: CacheService,
    private readonly database: DatabaseService,
    private readonly audit: AuditService,
  ) {}

  async report(): Promise<CacheReportView> {
    return cacheReportView(await this.cache.stats());
  }

  /** Drops answers in every process; what Redis does not take now is dropped before it is used again. */
  async drop(admin: Principal, what: Dropping): Promise<DroppedView> {
    if ('tag' in what) {
      await this.record(admin, what);
      await this.cache.invalidate([what.tag]);
      return { prefix: null, tag: what.tag, dropped: null };
    }
    await this.record(admin, what);
    let dropped = 0;
    for (const prefix of withTexts(what.prefix))
      dropped += await this.cache.deletePattern(beginningWith(prefix));
    return { prefix: what.prefix, tag: null, dropped };
  }

  /** First, and by itself: an answer that was dropped is computed again, a record that is missing is missing. */
  private record(admin: Principal, what: Dropping): Promise<void> {
    return this.database.transaction((tx) => {
      this.audit.record(tx, admin, {
        action: 'cache.dropped',
        entity: 'cache',
        entityId: 'tag' in what ? what.tag : what.prefix,
        after: { ...what },
      });
      return Promise.resolve();
    });
  }
}

/** What is made of them as well: who drops a list does not want to see its text any more. */
const withTexts = (prefix: string): readonly string[] =>
  prefix.startsWith(HTTP_PREFIX) ? [prefix] : [prefix, `${HTTP_PREFIX}${prefix}`];

/** A star would stand for any text; in a key there is none, since parts are encoded. */
const beginningWith = (prefix: string): string => `${prefix.replaceAll('*', '%2A')}*`;
