import type { Transaction } from '../database/transaction';
import type { Submission } from './order-batch';

interface Named {
  readonly userId: string;
  readonly clientOrderId: string;
}

const nameOf = ({ userId, clientOrderId }: Named): string => `${userId} ${clientOrderId}`;

/**
 * Which submissions carry a clientOrderId that their owner used before, in an order that stands or earlier in
 * the same batch. Asked while the markets are locked; orders on two markets at once are kept apart by the
 * unique index.
 */
export async function repeatedClientOrderIds(
  tx: Transaction,
  submissions: readonly Submission[],
): Promise<ReadonlySet<Submission>> {
  const named = submissions.filter(({ request }) => request.clientOrderId !== null);
  if (named.length === 0) return new Set();
  const names = named.map(({ userId, request }) => ({
    userId,
    clientOrderId: request.clientOrderId as string,
  }));
  const rows = await tx.query<{ user_id: string; client_order_id: string }>(
    `SELECT o.user_id, o.client_order_id
       FROM unnest($1::uuid[], $2::text[]) AS named(user_id, client_order_id)
       JOIN trading_orders o ON o.user_id = named.user_id AND o.client_order_id = named.client_order_id
      WHERE o.client_order_id IS NOT NULL`,
    [names.map(({ userId }) => userId), names.map(({ clientOrderId }) => clientOrderId)],
  );
  const used = new Set(
    rows.map((row) => nameOf({ userId: row.user_id, clientOrderId: row.client_order_id })),
  );
  const repeated = new Set<Submission>();
  named.forEach((submission, index) => {
    const name = nameOf(names[index] as Named);
    if (used.has(name)) repeated.add(submission);
    used.add(name);
  });
  return repeated;
}
