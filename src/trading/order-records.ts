import { violatedConstraint } from '../database/query-events';
import type { Transaction } from '../database/transaction';
import type { Execution, Order } from './order';
import { ClientOrderIdTaken } from './trading.errors';

/**
 * Writes orders as they are after a batch, all in one statement.
 * @throws ClientOrderIdTaken when their owner is placing one of the same name on another market right now
 */
export async function insertOrders(tx: Transaction, orders: readonly Order[]): Promise<void> {
  if (orders.length === 0) return;
  try {
    await insert(tx, orders);
  } catch (error) {
    if (violatedConstraint(error) !== 'trading_orders_client_order_id') throw error;
    throw new ClientOrderIdTaken(orders.flatMap(({ clientOrderId }) => clientOrderId ?? []).join(', '));
  }
}

async function insert(tx: Transaction, orders: readonly Order[]): Promise<void> {
  await tx.query(
    `INSERT INTO trading_orders (id, user_id, market, side, type, time_in_force, price_per_kwh, max_amount, quantity_wh,
            filled_wh, filled_amount, reserved_amount, status, reason, sequence, changed_sequence, expires_at, filled_at,
            client_order_id, created_at, updated_at)
     SELECT o.*, o.created_at FROM unnest(
            $1::uuid[], $2::uuid[], $3::text[], $4::trading_order_side[], $5::trading_order_type[],
            $6::trading_order_time_in_force[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
            $12::bigint[], $13::trading_order_status[], $14::trading_order_reason[], $15::bigint[], $16::bigint[],
            $17::timestamptz[], $18::timestamptz[], $19::text[], $20::timestamptz[])
         AS o(id, user_id, market, side, type, time_in_force, price_per_kwh, max_amount, quantity_wh, filled_wh,
              filled_amount, reserved_amount, status, reason, sequence, changed_sequence, expires_at, filled_at,
              client_order_id, created_at)`,
    [
      orders.map(({ id }) => id),
      orders.map(({ userId }) => userId),
      orders.map(({ market }) => market),
      orders.map(({ side }) => side),
      orders.map(({ type }) => type),
      orders.map(({ timeInForce }) => timeInForce),
      orders.map(({ pricePerKwh }) => pricePerKwh),
      orders.map(({ maxAmount }) => maxAmount),
      orders.map(({ quantityWh }) => quantityWh),
      orders.map(({ filledWh }) => filledWh),
      orders.map(({ filledAmount }) => filledAmount),
      orders.map(({ reservedAmount }) => reservedAmount),
      orders.map(({ status }) => status),
      orders.map(({ reason }) => reason),
      orders.map(({ sequence }) => sequence),
      orders.map(({ changedSequence }) => changedSequence),
      orders.map(({ expiresAt }) => expiresAt),
      orders.map(({ filledAt }) => filledAt),
      orders.map(({ clientOrderId }) => clientOrderId),
      orders.map(({ createdAt }) => createdAt),
    ],
  );
}

/** Writes what fills, cancellations or expiry changed of orders that rested, all in one statement. */
export async function updateOrders(tx: Transaction, orders: readonly Order[]): Promise<void> {
  if (orders.length === 0) return;
  await tx.query(
    `UPDATE trading_orders o
        SET filled_wh = c.filled_wh, filled_amount = c.filled_amount, reserved_amount = c.reserved_amount,
            status = c.status, reason = c.reason, changed_sequence = c.changed_sequence, filled_at = c.filled_at,
            updated_at = clock_timestamp()
       FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::trading_order_status[],
                   $6::trading_order_reason[], $7::bigint[], $8::timestamptz[])
         AS c(id, filled_wh, filled_amount, reserved_amount, status, reason, changed_sequence, filled_at)
      WHERE o.id = c.id`,
    [
      orders.map(({ id }) => id),
      orders.map(({ filledWh }) => filledWh),
      orders.map(({ filledAmount }) => filledAmount),
      orders.map(({ reservedAmount }) => reservedAmount),
      orders.map(({ status }) => status),
      orders.map(({ reason }) => reason),
      orders.map(({ changedSequence }) => changedSequence),
      orders.map(({ filledAt }) => filledAt),
    ],
  );
}

export async function insertTrades(tx: Transaction, executions: readonly Execution[]): Promise<void> {
  if (executions.length === 0) return;
  await tx.query(
    `INSERT INTO trades (id, market, buy_order_id, sell_order_id, buyer_id, seller_id, quantity_wh, price_per_kwh, amount,
            fee, sequence, executed_at)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::bigint[],
            $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::timestamptz[])`,
    [
      executions.map(({ id }) => id),
      executions.map(({ market }) => market),
      executions.map(({ buyOrderId }) => buyOrderId),
      executions.map(({ sellOrderId }) => sellOrderId),
      executions.map(({ buyerId }) => buyerId),
      executions.map(({ sellerId }) => sellerId),
      executions.map(({ quantityWh }) => quantityWh),
      executions.map(({ pricePerKwh }) => pricePerKwh),
      executions.map(({ amount }) => amount),
      executions.map(({ fee }) => fee),
      executions.map(({ sequence }) => sequence),
      executions.map(({ executedAt }) => executedAt),
    ],
  );
}

/** Moves the sequences of markets on; the caller holds their rows. */
export async function advanceMarkets(tx: Transaction, sequences: ReadonlyMap<string, bigint>): Promise<void> {
  await tx.query(
    `UPDATE markets m SET sequence = s.sequence, updated_at = clock_timestamp()
       FROM unnest($1::text[], $2::bigint[]) AS s(id, sequence) WHERE m.id = s.id`,
    [[...sequences.keys()], [...sequences.values()]],
  );
}
