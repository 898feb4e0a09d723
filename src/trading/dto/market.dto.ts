import { z } from 'zod';
import { energySource, kwh, pageQuery, pricePerKwh } from '../../common/request-schemas';
import { DEFAULT_LOT, DEFAULT_TICK, MARKET_STATUSES, MECHANISMS } from '../market-terms';
import { MOST_PRICE, MOST_QUANTITY } from '../order-rules';
import { marketId } from './order.dto';

export const marketBody = z
  .strictObject({
    id: marketId(),
    energySource: energySource(),
    mechanism: z.enum(MECHANISMS).default('continuous'),
    tick: pricePerKwh()
      .refine((tick) => tick <= MOST_PRICE, 'must not be above the highest price')
      .optional(),
    lotKwh: kwh()
      .refine((lot) => lot <= MOST_QUANTITY, 'must not be above the largest quantity')
      .optional(),
    feeBps: z.int().min(0).max(1_000).optional(),
  })
  .transform(({ tick, lotKwh, ...market }) => ({
    ...market,
    tick: tick ?? DEFAULT_TICK,
    lotWh: lotKwh ?? DEFAULT_LOT,
  }));

export const marketChange = z.strictObject({ status: z.enum(MARKET_STATUSES) });
export const marketsQuery = z.strictObject(pageQuery);
export const byMarket = z.strictObject({ market: marketId() });
export const depthQuery = z.strictObject({ depth: z.coerce.number().int().min(1).max(200).default(20) });
export const tradesQuery = z.strictObject({ ...pageQuery, market: marketId().optional() });
export const historyQuery = z.strictObject({ ...pageQuery, market: marketId().optional() });
