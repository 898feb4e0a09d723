import { z } from 'zod';
import { InvalidInput } from '../../common/domain-error';
import { amount, instant, kwh, orNone, pageQuery, pricePerKwh, uuid } from '../../common/request-schemas';
import { MARKET_ID_SHAPE } from '../market-terms';
import {
  ORDER_STATUSES,
  ORDER_TYPES,
  SIDES,
  TIMES_IN_FORCE,
  type OrderRequest,
  type TimeInForce,
} from '../order';

const MOST_ORDERS = 1_000;

export const marketId = () =>
  z.string().regex(MARKET_ID_SHAPE, 'must be the id of a market, such as solar').meta({ example: 'solar' });

const form = z.strictObject({
  market: marketId(),
  side: z.enum(SIDES),
  type: z.enum(ORDER_TYPES).default('limit'),
  /** gtc unless said, gtd with an expiresAt; a market order never waits, so it is ioc unless it is fok. */
  timeInForce: z.enum(TIMES_IN_FORCE).optional(),
  quantityKwh: kwh(),
  pricePerKwh: orNone(pricePerKwh()),
  maxAmount: orNone(amount()),
  expiresAt: orNone(instant()),
  /** The owner's own name for the order; one that was used before is refused with CLIENT_ORDER_ID_TAKEN. */
  clientOrderId: z
    .string()
    .regex(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 printable ASCII characters without spaces')
    .optional(),
});

type Form = z.output<typeof form>;

/** Which fields go together. What a market allows (ranges, ticks) is checked when the order reaches it. */
const combinations: readonly [field: keyof Form, broken: (order: Form) => boolean, message: string][] = [
  ['pricePerKwh', (o) => o.type === 'limit' && o.pricePerKwh === undefined, 'is required of a limit order'],
  [
    'pricePerKwh',
    (o) => o.type === 'market' && o.pricePerKwh !== undefined,
    'must be left out of a market order',
  ],
  [
    'maxAmount',
    (o) => isMarketBuy(o) && o.maxAmount === undefined,
    'is required of a market buy: the most that it may cost',
  ],
  ['maxAmount', (o) => !isMarketBuy(o) && o.maxAmount !== undefined, 'is for market buys only'],
  [
    'timeInForce',
    (o) => o.type === 'market' && waits(o),
    'of a market order must be ioc or fok: it never waits',
  ],
  [
    'expiresAt',
    (o) => o.timeInForce === 'gtd' && o.expiresAt === undefined,
    'is required with timeInForce gtd',
  ],
  [
    'expiresAt',
    (o) => (o.timeInForce ?? unsaid(o)) !== 'gtd' && o.expiresAt !== undefined,
    'is for timeInForce gtd only',
  ],
];

const isMarketBuy = ({ type, side }: Form): boolean => type === 'market' && side === 'buy';
/** The time in force of an order that names none. */
const unsaid = ({ type, expiresAt }: Pick<Form, 'type' | 'expiresAt'>): TimeInForce => {
  if (type === 'market') return 'ioc';
  return expiresAt === undefined ? 'gtc' : 'gtd';
};
const waits = ({ timeInForce }: Form): boolean => timeInForce === 'gtc' || timeInForce === 'gtd';

/** One order, as POST /api/trading/orders takes it. */
export const orderBody = form
  .superRefine((order, context) => {
    for (const [field, broken, message] of combinations) {
      if (broken(order)) context.addIssue({ code: 'custom', path: [field], message });
    }
  })
  .transform(({ quantityKwh, type, timeInForce, ...order }): OrderRequest => ({
    market: order.market,
    side: order.side,
    type,
    timeInForce: timeInForce ?? unsaid({ type, expiresAt: order.expiresAt }),
    quantityWh: quantityKwh,
    pricePerKwh: order.pricePerKwh ?? null,
    maxAmount: order.maxAmount ?? null,
    expiresAt: order.expiresAt ?? null,
    clientOrderId: order.clientOrderId ?? null,
  }));

/** An order of a batch that is malformed is answered on its own, like one that breaks a rule. */
const orderOfBatch = z
  .unknown()
  .transform((value): OrderRequest | InvalidInput => {
    const parsed = orderBody.safeParse(value);
    return parsed.success
      ? parsed.data
      : new InvalidInput(
          parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), detail: message })),
        );
  })
  .meta(z.toJSONSchema(orderBody, { target: 'openapi-3.0', io: 'input' }));

export const batchBody = z.strictObject({ orders: z.array(orderOfBatch).min(1).max(MOST_ORDERS) });

export const ordersQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(ORDER_STATUSES).optional(),
  side: z.enum(SIDES).optional(),
  market: marketId().optional(),
});

export const orderById = z.strictObject({ id: uuid() });
