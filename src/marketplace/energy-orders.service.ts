import { Inject, Injectable } from '@nestjs/common';
import { AuditService, type Actor } from '../audit/audit.service';
import { maySee, type Principal } from '../auth/principal';
import { TradingRight } from '../auth/trading-right';
import { decodeCursor, pageOf, UUID_SHAPE, type Page, type PageRequest } from '../common/cursor';
import { NotFound } from '../common/domain-error';
import { newId } from '../common/id';
import type { EnergySource } from '../common/request-schemas';
import { money, reserveFor, type Price, type WattHours } from '../common/units';
import { CONFIG, type Config } from '../config/config';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import type { IdempotentRequest } from '../http/idempotency-key';
import { LedgerService } from '../ledger/ledger.service';
import { release, reserve, transfer } from '../ledger/transfer';
import {
  ENERGY_ORDER_COLUMNS,
  energyOrderView,
  type EnergyOrderRow,
  type EnergyOrderView,
} from './energy-order';
import { energyOrderLifeCycle, mayBecome, type EnergyOrderStatus } from './life-cycle';
import { EnergyOrderNotOpen } from './marketplace.errors';
import { checkAmount, checkPrice, orderExpiry } from './marketplace-limits';
import { MarketplaceOperations } from './marketplace-operations';
import { participantAsked } from './participant';
import { transactionTime } from './transaction-time';

/** What a buyer orders. */
export interface NewEnergyOrder {
  readonly amountKwh: WattHours;
  readonly maxPricePerKwh: Price;
  readonly preferredSource?: EnergySource | undefined;
  readonly expiresAt?: Date | undefined;
}

export interface EnergyOrdersFilter extends PageRequest {
  readonly status?: EnergyOrderStatus | undefined;
  /** Somebody else's, for those who see everything. */
  readonly userId?: string | undefined;
}

/** An order whose row is locked, and whether its time is over by the database's clock. */
export interface LockedEnergyOrder extends EnergyOrderRow {
  readonly is_over: boolean;
}

const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const PAGE = `SELECT ${ENERGY_ORDER_COLUMNS} FROM energy_orders WHERE buyer_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`;
const PAGE_IN_STATUS = `SELECT ${ENERGY_ORDER_COLUMNS} FROM energy_orders WHERE buyer_id = $1 AND id < $2 AND status = $4 ORDER BY id DESC LIMIT $3`;

/** Orders for energy from placing to their end. While one is open, its buyer's money is reserved in the ledger. */
@Injectable()
export class EnergyOrdersService {
  constructor(
    private readonly database: DatabaseService,
    private readonly operations: MarketplaceOperations,
    private readonly ledger: LedgerService,
    private readonly audit: AuditService,
    private readonly tradingRight: TradingRight,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Places an order and reserves the money for all of it at its limit price. Nothing is bought before its owner
   * asks for a match.
   * @throws QuantityOutOfRange, PriceOutOfRange, PriceNotOnTick, OrderExpiryInvalid
   * @throws InsufficientBalance when the buyer has too little money
   */
  place(principal: Principal, order: NewEnergyOrder, request: IdempotentRequest): Promise<EnergyOrderView> {
    this.tradingRight.check(principal);
    return this.operations.run('place_order', principal, request, async (tx) => {
      checkAmount(order.amountKwh);
      checkPrice(order.maxPricePerKwh);
      const placed = await this.insert(tx, principal.userId, order);
      const legs = reserve(principal.userId, this.config.currency, placed.reserved_amount);
      await this.ledger.post(tx, [transfer('energy_order.placed', placed.id, legs)]);
      const view = energyOrderView(placed);
      this.audit.record(tx, principal, {
        action: 'energy_order.placed',
        entity: 'energy_orders',
        entityId: placed.id,
        after: { ...view },
      });
      return view;
    });
  }

  /**
   * What somebody has ordered, newest first.
   * @throws NotFound when a participant asks for somebody else's
   */
  async list(
    principal: Principal,
    { status, userId, limit, cursor }: EnergyOrdersFilter,
  ): Promise<Page<EnergyOrderView>> {
    const [before = LAST_ID] = cursor === undefined ? [] : decodeCursor(cursor, [UUID_SHAPE]);
    const values = [participantAsked(principal, userId), before, limit + 1];
    const rows = await (status === undefined
      ? this.database.query<EnergyOrderRow>(PAGE, values)
      : this.database.query<EnergyOrderRow>(PAGE_IN_STATUS, [...values, status]));
    return pageOf(rows, limit, ({ id }) => [id], energyOrderView);
  }

  /**
   * An order, for its buyer and those who see everything.
   * @throws NotFound
   */
  async get(principal: Principal, id: string): Promise<EnergyOrderView> {
    const [order] = await this.database.query<EnergyOrderRow>(
      `SELECT ${ENERGY_ORDER_COLUMNS} FROM energy_orders WHERE id = $1`,
      [id],
    );
    if (order === undefined || !maySee(principal, order.buyer_id)) throw new NotFound('energy order');
    return energyOrderView(order);
  }

  /**
   * Ends an order; the money it still has reserved is the buyer's again.
   * @throws NotFound when it is not the caller's
   * @throws EnergyOrderNotOpen when it is closed already
   */
  cancel(principal: Principal, id: string, request: IdempotentRequest): Promise<EnergyOrderView> {
    return this.operations.run('cancel_order', principal, request, async (tx) => {
      const order = await this.lockOwn(tx, principal, id);
      if (!mayBecome(energyOrderLifeCycle, order.status, 'cancelled'))
        throw new EnergyOrderNotOpen(order.status);
      await this.close(tx, principal, 'cancelled', [order]);
      return energyOrderView(closed(order, 'cancelled'));
    });
  }

  /**
   * Locks an order of the caller's against everything else that would change it, until the transaction ends.
   * @throws NotFound when it is not the caller's
   */
  async lockOwn(tx: Transaction, principal: Principal, id: string): Promise<LockedEnergyOrder> {
    const [order] = await tx.query<LockedEnergyOrder>(
      `SELECT ${ENERGY_ORDER_COLUMNS}, expires_at <= now() AS is_over
         FROM energy_orders WHERE id = $1 AND buyer_id = $2 FOR NO KEY UPDATE`,
      [id, principal.userId],
    );
    if (order === undefined) throw new NotFound('energy order');
    return order;
  }

  /**
   * Closes orders whose time is over, those first that are over longest. Several processes may do it at once.
   * @returns how many were closed, at most `limit`
   */
  async expireDue(tx: Transaction, limit: number): Promise<number> {
    const due = await tx.query<EnergyOrderRow>(
      `SELECT ${ENERGY_ORDER_COLUMNS} FROM energy_orders
        WHERE status IN ('pending', 'partially_filled') AND expires_at <= now()
        ORDER BY expires_at, id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED`,
      [limit],
    );
    await this.close(tx, null, 'expired', due);
    return due.length;
  }

  /** Ends locked orders and gives back what they still reserve. */
  private async close(
    tx: Transaction,
    actor: Actor,
    status: 'cancelled' | 'expired',
    orders: readonly EnergyOrderRow[],
  ): Promise<void> {
    if (orders.length === 0) return;
    await tx.query(
      `UPDATE energy_orders SET status = $2::energy_order_status, reserved_amount = 0, updated_at = now()
        WHERE id = ANY ($1::uuid[])`,
      [orders.map(({ id }) => id), status],
    );
    const releases = orders.map(({ id, buyer_id: buyerId, reserved_amount: reserved }) =>
      transfer(`energy_order.${status}`, id, release(buyerId, this.config.currency, reserved)),
    );
    await this.ledger.post(tx, releases);
    for (const order of orders) {
      this.audit.record(tx, actor, {
        action: `energy_order.${status}`,
        entity: 'energy_orders',
        entityId: order.id,
        before: { ...energyOrderView(order) },
        after: { ...energyOrderView(closed(order, status)) },
      });
    }
  }

  private async insert(tx: Transaction, buyerId: string, order: NewEnergyOrder): Promise<EnergyOrderRow> {
    const expiresAt = orderExpiry(order.expiresAt, await transactionTime(tx));
    const [row] = await tx.query<EnergyOrderRow>(
      `INSERT INTO energy_orders (id, buyer_id, amount_wh, max_price_per_kwh, preferred_source, reserved_amount, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${ENERGY_ORDER_COLUMNS}`,
      [
        newId(),
        buyerId,
        order.amountKwh,
        order.maxPricePerKwh,
        order.preferredSource ?? null,
        reserveFor(order.amountKwh, order.maxPricePerKwh),
        expiresAt,
      ],
    );
    return row as EnergyOrderRow;
  }
}

const closed = (order: EnergyOrderRow, status: EnergyOrderStatus): EnergyOrderRow => ({
  ...order,
  status,
  reserved_amount: money(0n),
});
