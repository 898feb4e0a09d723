import { Controller, Delete, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CurrentUser, Reserved, Roles } from '../../auth/decorators';
import type { Principal } from '../../auth/principal';
import { CacheAdminService, type Dropping } from './cache-admin.service';

const name = () =>
  z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable ASCII characters without spaces');

const droppingQuery = z
  .strictObject({ prefix: name().optional(), tag: name().optional() })
  .transform(({ prefix, tag }, context): Dropping => {
    if (prefix !== undefined && tag === undefined) return { prefix };
    if (tag !== undefined && prefix === undefined) return { tag };
    for (const field of ['prefix', 'tag'])
      context.addIssue({
        code: 'custom',
        path: [field],
        message: 'is needed, or the other one: one of the two',
      });
    return z.NEVER;
  });

@ApiTags('admin')
@Controller('api/admin/cache')
@Reserved()
export class CacheAdminController {
  constructor(private readonly cache: CacheAdminService) {}

  /** What the cache of the process that answers did since its start, by key prefix and tier. */
  @Get('stats')
  @Roles('admin', 'operator', 'auditor')
  stats() {
    return this.cache.report();
  }

  /** Drops, in every process, all answers whose keys begin with `prefix`, or all that carry `tag`: one of the two. */
  @Delete()
  @Roles('admin')
  drop(
    @CurrentUser() admin: Principal,
    @Query({ schema: droppingQuery }) what: z.output<typeof droppingQuery>,
  ) {
    return this.cache.drop(admin, what);
  }
}
