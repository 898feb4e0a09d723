import type { CacheEntry } from '../cache/cache-entry';
import type { HttpCachePolicy } from '../cache/http/http-cache-policy';
import type { Page } from '../common/cursor';
import type { OffersFilter, OfferView } from './offer';

/** Dropped whenever an offer is listed, sold from, or closed. */
export const ACTIVE_OFFERS = 'offers:active';

/**
 * One page of the public list, for a minute, or until the time of an offer on it is over. The key is made of what the filters mean, not of how they were
 * written: `1.5` and `1.500`, or the same instant in two time zones, share an entry.
 */
export const activeOffers = ({
  source,
  minPrice,
  maxPrice,
  minKwh,
  availableAt,
  sort,
  limit,
  cursor,
}: OffersFilter): CacheEntry<Page<OfferView>> => ({
  key: [
    ACTIVE_OFFERS,
    [
      source ?? '',
      minPrice?.toString() ?? '',
      maxPrice?.toString() ?? '',
      minKwh?.toString() ?? '',
      availableAt?.toISOString() ?? '',
      sort,
      limit,
      cursor ?? '',
    ].join('|'),
  ],
  ttlSeconds: 60,
  tags: [ACTIVE_OFFERS],
  validUntil: ({ items }) => Math.min(...items.map(({ availableUntil: end }) => Date.parse(end))),
});

/** The same as it is sent. What a seller lists with `mine` is nobody else's: that parameter is not among these. */
export const offersOverHttp: HttpCachePolicy = {
  prefix: `http:${ACTIVE_OFFERS}`,
  ttlSeconds: 60,
  scope: 'public',
  tags: [ACTIVE_OFFERS],
  query: ['source', 'minPrice', 'maxPrice', 'minKwh', 'availableAt', 'sort', 'limit', 'cursor'],
};
