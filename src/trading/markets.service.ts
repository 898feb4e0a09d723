import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import type { Principal } from '../auth/principal';
import { CacheService } from '../cache/cache.service';
import { NotFound } from '../common/domain-error';
import { ENERGY_SOURCES, type EnergySource } from '../common/request-schemas';
import { formatKwh, formatMoney, type Price, type WattHours } from '../common/units';
import { CONFIG, type Config } from '../config/config';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import {
  DEFAULT_LOT,
  DEFAULT_TICK,
  type MarketStatus,
  type MarketTerms,
  type Mechanism,
} from './market-terms';
import { tagsOf } from './trading.cache';
import { MarketTaken, MechanismNotAvailable } from './trading.errors';
import type { MarketView } from './trading.views';

export type NewMarket = Omit<MarketTerms, 'status' | 'feeBps'> & { readonly feeBps?: number | undefined };

interface MarketRow {
  id: string;
  mechanism: Mechanism;
  energy_source: EnergySource;
  tick: Price;
  lot_wh: WattHours;
  fee_bps: number;
  status: MarketStatus;
}

const COLUMNS = 'id, mechanism, energy_source, tick, lot_wh, fee_bps, status';

/** Which markets there are, and whether they trade. */
@Injectable()
export class MarketsService implements OnApplicationBootstrap {
  constructor(
    private readonly database: DatabaseService,
    private readonly audit: AuditService,
    private readonly cache: CacheService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** At first start: a continuous market for each energy source, and one for its auctions, which is halted. */
  async onApplicationBootstrap(): Promise<void> {
    const markets = ENERGY_SOURCES.flatMap((source): NewMarket[] => [
      { id: source, mechanism: 'continuous', energySource: source, tick: DEFAULT_TICK, lotWh: DEFAULT_LOT },
      {
        id: `${source}-auction`,
        mechanism: 'auction',
        energySource: source,
        tick: DEFAULT_TICK,
        lotWh: DEFAULT_LOT,
      },
    ]);
    await this.database.transaction((tx) => this.insert(tx, markets));
  }

  /**
   * Creates a market, open at once; one that trades by auction stays halted, since auctions are not held yet.
   * @throws MarketTaken
   */
  create(admin: Principal, market: NewMarket): Promise<MarketView> {
    return this.database.transaction(async (tx) => {
      const [row] = await this.insert(tx, [market]);
      if (row === undefined) throw new MarketTaken(market.id);
      const view = marketView(row);
      this.audit.record(tx, admin, {
        action: 'market.created',
        entity: 'markets',
        entityId: row.id,
        after: { ...view },
      });
      return view;
    });
  }

  /**
   * Halts or resumes a market; orders that rest stay where they are.
   * @throws NotFound, MechanismNotAvailable when an auction is to be resumed
   */
  changeStatus(admin: Principal, id: string, status: MarketStatus): Promise<MarketView> {
    return this.database.transaction(async (tx) => {
      const [before] = await tx.query<MarketRow>(
        `SELECT ${COLUMNS} FROM markets WHERE id = $1 FOR NO KEY UPDATE`,
        [id],
      );
      if (before === undefined) throw new NotFound('market');
      if (before.status === status) return marketView(before);
      if (before.mechanism === 'auction') throw new MechanismNotAvailable(id);
      await tx.query('UPDATE markets SET status = $2, updated_at = now() WHERE id = $1', [id, status]);
      this.audit.record(tx, admin, {
        action: status === 'halted' ? 'market.halted' : 'market.resumed',
        entity: 'markets',
        entityId: id,
        before: { status: before.status },
        after: { status },
      });
      this.cache.invalidateAfterCommit(tx, tagsOf([id]));
      return marketView({ ...before, status });
    });
  }

  /** @returns the rows of those that did not exist */
  private async insert(tx: Transaction, markets: readonly NewMarket[]): Promise<MarketRow[]> {
    const made = await tx.query<MarketRow>(
      `INSERT INTO markets (${COLUMNS})
       SELECT * FROM unnest($1::text[], $2::market_mechanism[], $3::energy_source[], $4::bigint[], $5::bigint[],
                            $6::integer[], $7::market_status[])
       ON CONFLICT (id) DO NOTHING RETURNING ${COLUMNS}`,
      [
        markets.map(({ id }) => id),
        markets.map(({ mechanism }) => mechanism),
        markets.map(({ energySource }) => energySource),
        markets.map(({ tick }) => tick),
        markets.map(({ lotWh }) => lotWh),
        markets.map(({ feeBps }) => feeBps ?? this.config.feeBps),
        markets.map(({ mechanism }): MarketStatus => (mechanism === 'auction' ? 'halted' : 'open')),
      ],
    );
    if (made.length > 0) this.cache.invalidateAfterCommit(tx, tagsOf(made.map(({ id }) => id)));
    return made;
  }
}

export const marketView = (row: MarketRow): MarketView => ({
  id: row.id,
  mechanism: row.mechanism,
  energySource: row.energy_source,
  tick: formatMoney(row.tick),
  lotKwh: formatKwh(row.lot_wh),
  feeBps: row.fee_bps,
  status: row.status,
});
