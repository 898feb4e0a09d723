import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter } from 'prom-client';
import { AuditService } from '../audit/audit.service';
import { IdempotencyService } from '../audit/idempotency.service';
import { WrongRole } from '../auth/auth.errors';
import type { Principal } from '../auth/principal';
import { CacheService } from '../cache/cache.service';
import { NotFound } from '../common/domain-error';
import { newId } from '../common/id';
import { formatKwh, parseDecimal } from '../common/units';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import type { IdempotentRequest } from '../http/idempotency-key';
import { LedgerService } from '../ledger/ledger.service';
import { energyAsset, move, platformAccount, transfer, userAccount } from '../ledger/transfer';
import { mayManageMeters } from './meter-rights';
import type { MintingView } from './meter-views';
import { statsTag } from './meters.cache';
import { MeterNotVerified } from './meters.errors';
import { MINTED_ENERGY } from './meters.metrics';
import { MetersService, type LockedMeter } from './meters.service';
import { portionsOf, type Candidate } from './minting-portions';
import type { ChainStatus } from './mint.entity';

/** What to mint: one meter, all of the caller's, or everybody's. */
export interface MintingScope {
  readonly meterId?: string | undefined;
  readonly all?: boolean | undefined;
}

interface MintRow {
  id: string;
  user_id: string;
  meter_id: string;
  energy_wh: bigint;
  readings: number;
  chain_status: ChainStatus;
}

interface Pair {
  meter_id: string;
  user_id: string;
}

/** So many readings are claimed by one statement. */
const READINGS_PER_PORTION = 20_000;

/** Turns the surplus of verified meters into tokens, each reading exactly once. */
@Injectable()
export class MintingService {
  constructor(
    private readonly database: DatabaseService,
    private readonly idempotency: IdempotencyService,
    private readonly meters: MetersService,
    private readonly ledger: LedgerService,
    private readonly audit: AuditService,
    private readonly cache: CacheService,
    @InjectMetric(MINTED_ENERGY) private readonly counter: Counter,
  ) {}

  /**
   * Mints what waits to be minted. Many meters are minted in several transactions, so that none of them
   * holds its locks for long; with an Idempotency-Key in one, since the key stands for all or nothing.
   * @throws WrongRole when a participant asks for all
   * @throws NotFound METER_NOT_FOUND for a named meter that is not the caller's
   * @throws MeterNotVerified for a named meter whose surplus is not minted
   */
  async mint(principal: Principal, scope: MintingScope, request: IdempotentRequest): Promise<MintingView> {
    if (scope.all === true && !mayManageMeters(principal)) throw new WrongRole();
    const portions = portionsOf(await this.candidates(principal, scope), READINGS_PER_PORTION);
    const transactions = request.key === undefined ? portions.map((portion) => [portion]) : [portions];
    const answers: MintingView[] = [];
    for (const part of transactions) {
      const answer = await this.database.transaction((tx) =>
        this.idempotency.once(tx, principal.userId, request, () =>
          this.mintPortions(tx, principal, scope, part),
        ),
      );
      answers.push(answer);
    }
    return together(answers);
  }

  /** Which meters to mint, with how many readings wait there; a named one in any case, to be refused properly. */
  private async candidates(principal: Principal, { meterId, all }: MintingScope): Promise<Candidate[]> {
    if (meterId !== undefined) return [{ id: meterId, waiting: 0n }];
    if (all === true) {
      return this.database.query<Candidate>(
        // By what waits, which is little where minting goes on: each meter of it is looked up, the others are left alone.
        `SELECT w.id, w.waiting
           FROM (SELECT meter_id AS id, count(*) AS waiting FROM meter_readings
                  WHERE NOT minted AND surplus_wh > 0 GROUP BY meter_id) w
          CROSS JOIN LATERAL (SELECT status FROM meters WHERE id = w.id LIMIT 1) m
          WHERE m.status = 'verified' ORDER BY w.id`,
      );
    }
    return this.database.query<Candidate>(
      `SELECT m.id, w.waiting FROM meters m
        CROSS JOIN LATERAL (SELECT count(*) AS waiting FROM meter_readings r
                             WHERE r.meter_id = m.id AND NOT r.minted AND r.surplus_wh > 0) w
        WHERE m.owner_id = $1 AND m.status = 'verified' AND w.waiting > 0 ORDER BY m.id`,
      [principal.userId],
    );
  }

  private async mintPortions(
    tx: Transaction,
    principal: Principal,
    { meterId }: MintingScope,
    portions: readonly (readonly string[])[],
  ): Promise<MintingView> {
    const meters = new Map((await this.meters.lock(tx, portions.flat())).map((meter) => [meter.id, meter]));
    if (meterId !== undefined) requireMintable(principal, meters.get(meterId));
    const mints: MintRow[] = [];
    for (const portion of portions) {
      mints.push(
        ...(await this.claim(
          tx,
          portion.filter((id) => meters.get(id)?.status === 'verified'),
        )),
      );
    }
    await this.credit(tx, principal, mints, meters);
    return mintingView(mints);
  }

  /**
   * Marks every reading that waits and sums it up, in one statement: whoever mints at the same time finds
   * nothing left to mark. Meters are locked by now; readings keep the owner whom they arrived for.
   */
  private async claim(tx: Transaction, meterIds: readonly string[]): Promise<MintRow[]> {
    const pairs = await tx.query<Pair>(
      `SELECT DISTINCT meter_id, user_id FROM meter_readings
        WHERE meter_id = ANY($1::uuid[]) AND NOT minted AND surplus_wh > 0 ORDER BY meter_id, user_id`,
      [meterIds],
    );
    if (pairs.length === 0) return [];
    return tx.query<MintRow>(
      `WITH mint AS (
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS m(id, meter_id, user_id)
       ), claimed AS (
         UPDATE meter_readings r SET minted = true, mint_id = m.id, updated_at = now()
           FROM mint m
          WHERE r.meter_id = m.meter_id AND r.user_id = m.user_id AND NOT r.minted AND r.surplus_wh > 0
         RETURNING r.mint_id, r.surplus_wh, r.interval_start, r.interval_minutes
       )
       INSERT INTO mints (id, user_id, meter_id, energy_wh, period_from, period_to, readings)
       SELECT m.id, m.user_id, m.meter_id, sum(c.surplus_wh), min(c.interval_start),
              max(c.interval_start + make_interval(mins => c.interval_minutes)), count(*)
         FROM claimed c JOIN mint m ON m.id = c.mint_id GROUP BY m.id, m.user_id, m.meter_id ORDER BY m.meter_id
       RETURNING id, user_id, meter_id, energy_wh, readings, chain_status`,
      [pairs.map(() => newId()), pairs.map((pair) => pair.meter_id), pairs.map((pair) => pair.user_id)],
    );
  }

  private async credit(
    tx: Transaction,
    principal: Principal,
    mints: readonly MintRow[],
    meters: ReadonlyMap<string, LockedMeter>,
  ): Promise<void> {
    if (mints.length === 0) return;
    const transfers = mints.map((mint) => {
      const asset = energyAsset((meters.get(mint.meter_id) as LockedMeter).energySource);
      const legs = move(platformAccount('issuance', asset), userAccount(mint.user_id, asset), mint.energy_wh);
      return transfer('mint', mint.id, legs);
    });
    await this.ledger.post(tx, transfers);
    for (const mint of mints) {
      this.audit.record(tx, principal, {
        action: 'meter.minted',
        entity: 'mints',
        entityId: mint.id,
        after: {
          meterId: mint.meter_id,
          userId: mint.user_id,
          kwh: formatKwh(mint.energy_wh),
          readings: mint.readings,
        },
      });
    }
    this.cache.invalidateAfterCommit(tx, [...new Set(mints.map((mint) => statsTag(mint.user_id)))]);
    tx.afterCommit(() => this.counter.inc(Number(sumOf(mints))));
  }
}

/** @throws NotFound MeterNotVerified */
function requireMintable(principal: Principal, meter: LockedMeter | undefined): void {
  if (meter === undefined || (meter.ownerId !== principal.userId && !mayManageMeters(principal)))
    throw new NotFound('meter');
  if (meter.status !== 'verified') throw new MeterNotVerified(meter.serial, meter.status);
}

const sumOf = (mints: readonly MintRow[]): bigint => mints.reduce((sum, mint) => sum + mint.energy_wh, 0n);

function mintingView(mints: readonly MintRow[]): MintingView {
  return {
    mintedKwh: formatKwh(sumOf(mints)),
    readings: mints.reduce((sum, { readings }) => sum + readings, 0),
    mints: mints.map(({ id, meter_id: meterId, energy_wh: energy, chain_status: chainStatus }) => ({
      id,
      meterId,
      kwh: formatKwh(energy),
      chainStatus,
    })),
  };
}

/** One answer of several transactions. */
function together(answers: readonly MintingView[]): MintingView {
  const minted = answers.reduce((sum, { mintedKwh }) => sum + (parseDecimal(mintedKwh, 3) ?? 0n), 0n);
  return {
    mintedKwh: formatKwh(minted),
    readings: answers.reduce((sum, { readings }) => sum + readings, 0),
    mints: answers.flatMap(({ mints }) => mints),
  };
}
