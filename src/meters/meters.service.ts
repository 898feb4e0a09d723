import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { WrongRole } from '../auth/auth.errors';
import { maySee, seesEverything, type Principal } from '../auth/principal';
import { CacheService } from '../cache/cache.service';
import { decodeCursor, pageOf, UUID_SHAPE, type Page, type PageRequest } from '../common/cursor';
import { InvalidInput, NotFound } from '../common/domain-error';
import { newId } from '../common/id';
import type { EnergySource } from '../common/request-schemas';
import type { WattHours } from '../common/units';
import { DatabaseService } from '../database/database.service';
import { sqlState, violatedConstraint } from '../database/query-events';
import type { Transaction } from '../database/transaction';
import { UsersService } from '../users/users.service';
import { mayBecome, type MeterStatus } from './meter-life-cycle';
import { mayManageMeters } from './meter-rights';
import { METER_COLUMNS, meterView, type MeterRow, type MeterView } from './meter-views';
import { statsTag } from './meters.cache';
import { MeterSerialTaken, MeterStatusConflict } from './meters.errors';
import type { MeterFacts } from './reading-rules';
import { SqlState } from '../database/sql-states';

/** What somebody says of a meter when registering it. */
export interface Registration {
  readonly serial: string;
  readonly zone: string;
  readonly energySource: EnergySource;
  /** W. */
  readonly capacityKw: bigint;
  readonly timeZone: string;
  /** Only operators and admins register for others. */
  readonly ownerId?: string | undefined;
}

export interface MeterFilter extends PageRequest {
  readonly userId?: string | undefined;
  readonly status?: MeterStatus | undefined;
}

/** A meter that stays as it is until the transaction ends. */
export interface LockedMeter extends MeterFacts {
  readonly serial: string;
  readonly energySource: EnergySource;
  /** IANA name. */
  readonly timeZone: string;
}

const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Registration and life cycle of meters, and what other domains ask about them. */
@Injectable()
export class MetersService {
  constructor(
    private readonly database: DatabaseService,
    private readonly users: UsersService,
    private readonly audit: AuditService,
    private readonly cache: CacheService,
  ) {}

  /**
   * @throws MeterSerialTaken
   * @throws WrongRole when a participant names another owner
   * @throws NotFound USER_NOT_FOUND for an owner who is not active
   */
  async register(principal: Principal, registration: Registration): Promise<MeterView> {
    const { ownerId = principal.userId } = registration;
    if (ownerId !== principal.userId && !mayManageMeters(principal)) throw new WrongRole();
    await this.requireTimeZone(registration.timeZone);
    return this.database.transaction(async (tx) => {
      await this.users.requireActive(tx, ownerId);
      const meter = meterView(await this.insert(tx, ownerId, registration));
      this.audit.record(tx, principal, {
        action: 'meter.registered',
        entity: 'meters',
        entityId: meter.id,
        after: { ...meter },
      });
      this.cache.invalidateAfterCommit(tx, [statsTag(ownerId)]);
      return meter;
    });
  }

  /** The caller's own, newest first; those who see everything get all, or those of one user. */
  async list(principal: Principal, { userId, status, limit, cursor }: MeterFilter): Promise<Page<MeterView>> {
    const ownerId = userId ?? (seesEverything(principal) ? undefined : principal.userId);
    if (ownerId !== undefined && !maySee(principal, ownerId)) throw new NotFound('user');
    const [before = LAST] = cursor === undefined ? [] : decodeCursor(cursor, [UUID_SHAPE]);
    const rows = await this.page(before, limit + 1, ownerId, status);
    return pageOf(rows, limit, ({ id }) => [id], meterView);
  }

  /** @throws NotFound METER_NOT_FOUND */
  async find(principal: Principal, id: string): Promise<MeterView> {
    const [row] = await this.database.query<MeterRow>(`SELECT ${METER_COLUMNS} FROM meters WHERE id = $1`, [
      id,
    ]);
    if (row === undefined || !maySee(principal, row.owner_id)) throw new NotFound('meter');
    return meterView(row);
  }

  /**
   * Takes a meter to another status, by the table of its life cycle.
   * @throws NotFound METER_NOT_FOUND
   * @throws MeterStatusConflict when it cannot have that status after the one it has
   */
  change(actor: Principal, id: string, status: Exclude<MeterStatus, 'pending'>): Promise<MeterView> {
    return this.database.transaction(async (tx) => {
      const [before] = await this.lock(tx, [id]);
      if (before === undefined) throw new NotFound('meter');
      if (!mayBecome(before.status, status)) throw new MeterStatusConflict(before.status, status);
      const [row] = await tx.query<MeterRow>(
        `UPDATE meters SET status = $2, updated_at = now() WHERE id = $1 RETURNING ${METER_COLUMNS}`,
        [id, status],
      );
      this.audit.record(tx, actor, {
        action: `meter.${status}`,
        entity: 'meters',
        entityId: id,
        before: { status: before.status },
        after: { status },
      });
      return meterView(row as MeterRow);
    });
  }

  /** Locks meters against everything that changes them or their readings, in the order of their ids. */
  async lock(tx: Transaction, ids: readonly string[]): Promise<LockedMeter[]> {
    const rows = await tx.query<MeterRow>(
      `SELECT ${METER_COLUMNS} FROM meters WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE`,
      [ids],
    );
    return rows.map(lockedMeter);
  }

  /** Those of these meters that somebody may post readings for, locked as by {@link lock}. */
  async lockBySerial(
    tx: Transaction,
    principal: Principal,
    serials: readonly string[],
  ): Promise<LockedMeter[]> {
    const rows = await tx.query<MeterRow>(
      `SELECT ${METER_COLUMNS} FROM meters WHERE serial = ANY($1::text[]) AND ($2::uuid IS NULL OR owner_id = $2)
        ORDER BY id FOR NO KEY UPDATE`,
      [serials, mayManageMeters(principal) ? null : principal.userId],
    );
    return rows.map(lockedMeter);
  }

  /** What a meter generated in the intervals that start in [from, to). */
  async generatedBetween(tx: Transaction, meterId: string, from: Date, to: Date): Promise<WattHours> {
    const [row] = await tx.query<{ generated_wh: WattHours }>(
      `SELECT coalesce(sum(generated_wh), 0)::bigint AS generated_wh FROM meter_readings
        WHERE meter_id = $1 AND interval_start >= $2 AND interval_start < $3`,
      [meterId, from, to],
    );
    return (row as { generated_wh: WattHours }).generated_wh;
  }

  /** Says of the intervals that start in [from, to) whether a certificate attests them: then their figures stand. */
  async markCertified(
    tx: Transaction,
    meterId: string,
    from: Date,
    to: Date,
    certified: boolean,
  ): Promise<void> {
    await tx.query(
      `UPDATE meter_readings SET certified = $4, updated_at = now()
        WHERE meter_id = $1 AND interval_start >= $2 AND interval_start < $3 AND certified <> $4`,
      [meterId, from, to, certified],
    );
  }

  /** PostgreSQL counts days by the zone later, so it has to know it, too. */
  private async requireTimeZone(timeZone: string): Promise<void> {
    try {
      await this.database.query('SELECT now() AT TIME ZONE $1', [timeZone]);
    } catch (error) {
      if (sqlState(error) !== SqlState.INVALID_PARAMETER_VALUE) throw error;
      throw new InvalidInput([
        { field: 'timeZone', detail: 'is not known to the database: use one near it' },
      ]);
    }
  }

  private async insert(tx: Transaction, ownerId: string, meter: Registration): Promise<MeterRow> {
    try {
      const [row] = await tx.query<MeterRow>(
        `INSERT INTO meters (id, serial, owner_id, zone, energy_source, capacity_w, time_zone)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${METER_COLUMNS}`,
        [newId(), meter.serial, ownerId, meter.zone, meter.energySource, meter.capacityKw, meter.timeZone],
      );
      return row as MeterRow;
    } catch (error) {
      if (violatedConstraint(error) !== 'meters_serial_key') throw error;
      throw new MeterSerialTaken(meter.serial);
    }
  }

  private page(
    before: string,
    limit: number,
    ownerId: string | undefined,
    status: MeterStatus | undefined,
  ): Promise<MeterRow[]> {
    const values: unknown[] = [before, limit];
    const ofOwner = ownerId === undefined ? '' : `AND owner_id = $${values.push(ownerId)}`;
    const ofStatus = status === undefined ? '' : `AND status = $${values.push(status)}`;
    // The keys by an index that holds all that is asked: few meters are anything but verified.
    const text = `SELECT ${METER_COLUMNS} FROM meters
      WHERE id = ANY (ARRAY(
              SELECT id FROM meters WHERE id < $1 ${ofOwner} ${ofStatus} ORDER BY id DESC LIMIT $2))
      ORDER BY id DESC`;
    return this.database.query(text, values);
  }
}

function lockedMeter(row: MeterRow): LockedMeter {
  return {
    id: row.id,
    serial: row.serial,
    ownerId: row.owner_id,
    energySource: row.energy_source,
    timeZone: row.time_zone,
    status: row.status,
    capacityW: row.capacity_w,
    intervalMinutes: row.interval_minutes,
  };
}
