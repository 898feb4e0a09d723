import { Injectable } from '@nestjs/common';
import { CacheService } from '../cache/cache.service';
import {
  decodeCursor,
  INSTANT_SHAPE,
  pageOf,
  UUID_SHAPE,
  type Page,
  type PageRequest,
} from '../common/cursor';
import { NotFound } from '../common/domain-error';
import { DatabaseService } from '../database/database.service';
import { reconciliationEntry } from './reconciliation.cache';
import type { ReconciliationStatus } from './reconciliation.entity';
import {
  breakView,
  reconciliationView,
  type BreakRow,
  type BreakView,
  type ReconciliationRow,
  type ReconciliationView,
} from './reconciliation.view';

const SELECT_RUN = `
  SELECT id, project_id, reference, amount, status, progress, metadata, started_at, finished_at, created_at
    FROM reconciliations`;
const SELECT_BREAK = `
  SELECT id, reconciliation_id, type, entity, entity_id, unit, expected, actual, difference, detail, status, created_at
    FROM reconciliation_breaks`;

const NEWEST = { at: '9999-12-31T00:00:00.000Z', id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };
const FIRST = '00000000-0000-0000-0000-000000000000';
const NEWEST_FIRST = 'ORDER BY created_at DESC, id DESC';

const ALL_RUNS = `${SELECT_RUN} WHERE (created_at, id) < ($1, $2) ${NEWEST_FIRST} LIMIT $3`;
const ALL_BREAKS = `${SELECT_BREAK} WHERE reconciliation_id = $1 AND id > $2 ORDER BY id LIMIT $3`;

/*
 * Where a status or a type decides, the keys of the page are found first, by an index that holds all that is asked. In
 * one step PostgreSQL would go through all runs or breaks in their order where it takes what is rare for frequent.
 */
const RUNS_OF_STATUS = `${SELECT_RUN}
   WHERE id = ANY (ARRAY(
           SELECT id FROM reconciliations WHERE status = $4 AND (created_at, id) < ($1, $2) ${NEWEST_FIRST} LIMIT $3))
   ${NEWEST_FIRST}`;
const BREAKS_OF_TYPE = `${SELECT_BREAK}
   WHERE id = ANY (ARRAY(
           SELECT id FROM reconciliation_breaks
            WHERE reconciliation_id = $1 AND type = $4 AND id > $2 ORDER BY id LIMIT $3))
   ORDER BY id`;

export interface RunFilter extends PageRequest {
  readonly status?: ReconciliationStatus | undefined;
}

export interface BreakFilter extends PageRequest {
  readonly type?: string | undefined;
}

/** What runs came to, and the breaks they found. */
@Injectable()
export class ReconciliationService {
  constructor(
    private readonly database: DatabaseService,
    private readonly cache: CacheService,
  ) {}

  /** All runs, or those of one status, newest first. */
  async list({ limit, cursor, status }: RunFilter): Promise<Page<ReconciliationView>> {
    const [at = NEWEST.at, id = NEWEST.id] =
      cursor === undefined ? [] : decodeCursor(cursor, [INSTANT_SHAPE, UUID_SHAPE]);
    const values = [at, id, limit + 1];
    const rows = await (status === undefined
      ? this.database.query<ReconciliationRow>(ALL_RUNS, values)
      : this.database.query<ReconciliationRow>(RUNS_OF_STATUS, [...values, status]));
    return pageOf(rows, limit, (row) => [row.created_at.toISOString(), row.id], reconciliationView);
  }

  /** @throws NotFound */
  find(id: string): Promise<ReconciliationView> {
    return this.cache.getOrCompute(reconciliationEntry(id), async () => {
      const [row] = await this.database.query<ReconciliationRow>(`${SELECT_RUN} WHERE id = $1`, [id]);
      if (row === undefined) throw new NotFound('reconciliation');
      return reconciliationView(row);
    });
  }

  /**
   * The breaks of a run, all or of one type, in the order in which they were found: those of one check stand
   * together.
   * @throws NotFound there is no such run
   */
  async breaks(reconciliationId: string, { limit, cursor, type }: BreakFilter): Promise<Page<BreakView>> {
    await this.find(reconciliationId);
    const [after = FIRST] = cursor === undefined ? [] : decodeCursor(cursor, [UUID_SHAPE]);
    const values = [reconciliationId, after, limit + 1];
    const rows = await (type === undefined
      ? this.database.query<BreakRow>(ALL_BREAKS, values)
      : this.database.query<BreakRow>(BREAKS_OF_TYPE, [...values, type]));
    return pageOf(rows, limit, ({ id }) => [id], breakView);
  }
}
