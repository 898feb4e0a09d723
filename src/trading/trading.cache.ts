import type { CacheEntry } from '../cache/cache-entry';
import type { HttpCachePolicy, KeptRequest } from '../cache/http/http-cache-policy';
import type { Page } from '../common/cursor';
import { MARKET_ID_SHAPE } from './market-terms';
import type { MarketDataView, OrderBookView } from './trading.views';

/** Everything about a market that an order, a trade, a halt or a resumption changes. */
export const marketTag = (market: string): string => `market:${market}`;
/** Every answer about several markets. */
export const MARKETS_TAG = 'markets';

/** What to drop after anything happened on these markets. */
export const tagsOf = (markets: Iterable<string>): string[] => [...[...markets].map(marketTag), MARKETS_TAG];

export const marketDepth = (market: string, depth: number): CacheEntry<OrderBookView> => ({
  key: ['order:book', market, String(depth)],
  ttlSeconds: 10,
  tags: [marketTag(market)],
});

export const marketData = (market: string): CacheEntry<MarketDataView> => ({
  key: ['market:data', market],
  ttlSeconds: 60,
  tags: [marketTag(market)],
});

/** The first page of all markets. */
export const marketList = (limit: number): CacheEntry<Page<MarketDataView>> => ({
  key: ['market:data', '', String(limit)],
  ttlSeconds: 60,
  tags: [MARKETS_TAG],
});

const tagOfPath = ({ params: { market = '' } }: KeptRequest): string[] | undefined =>
  MARKET_ID_SHAPE.test(market) ? [marketTag(market)] : undefined;

/** The same three as they are sent. */
export const depthOverHttp: HttpCachePolicy = {
  prefix: 'http:order:book',
  ttlSeconds: 10,
  scope: 'public',
  tags: tagOfPath,
  query: ['depth'],
};

export const marketOverHttp: HttpCachePolicy = {
  prefix: 'http:market:data',
  ttlSeconds: 60,
  scope: 'public',
  tags: tagOfPath,
};

export const marketsOverHttp: HttpCachePolicy = {
  prefix: 'http:market:list',
  ttlSeconds: 60,
  scope: 'public',
  tags: [MARKETS_TAG],
  query: ['limit', 'cursor'],
};
