import { Injectable } from '@nestjs/common';
import { CacheService } from '../cache/cache.service';
import {
  decodeCursor,
  INTEGER_SHAPE,
  pageOf,
  UUID_SHAPE,
  type Page,
  type PageRequest,
} from '../common/cursor';
import { DatabaseService } from '../database/database.service';
import type { Statement } from '../database/statement';
import { activeOffers } from './marketplace.cache';
import { MOST_PRICE } from './marketplace-limits';
import { OFFER_COLUMNS, offerView, type OfferRow, type OffersFilter, type OfferView } from './offer';

const LOWEST_ID = '00000000-0000-0000-0000-000000000000';
const HIGHEST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Lists of offers: the public market, and each seller's own. */
@Injectable()
export class OfferListing {
  constructor(
    private readonly database: DatabaseService,
    private readonly cache: CacheService,
  ) {}

  /** Active offers whose time is not over; answers are kept for a minute unless an offer changes. */
  active(filter: OffersFilter): Promise<Page<OfferView>> {
    return this.cache.getOrCompute(activeOffers(filter), () => this.load(filter));
  }

  /** Everything that a seller has offered, whatever became of it, newest first. */
  async ofSeller(sellerId: string, { limit, cursor }: PageRequest): Promise<Page<OfferView>> {
    const [before = HIGHEST_ID] = cursor === undefined ? [] : decodeCursor(cursor, [UUID_SHAPE]);
    const rows = await this.database.query<OfferRow>(
      `SELECT ${OFFER_COLUMNS} FROM energy_offers WHERE seller_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
      [sellerId, before, limit + 1],
    );
    return pageOf(rows, limit, ({ id }) => [id], offerView);
  }

  private async load(filter: OffersFilter): Promise<Page<OfferView>> {
    const { text, values } = offersPage(filter);
    const rows = isSearch(filter)
      ? await this.database.queryPlanned<OfferRow>(text, values)
      : await this.database.query<OfferRow>(text, values);
    const positionOf = ({ price_per_kwh: price, id }: OfferRow) =>
      filter.sort === 'price' ? [price.toString(), id] : [id];
    return pageOf(rows, filter.limit, positionOf, offerView);
  }
}

/** One page of the active offers that a filter lets through, and one row more where there are more. */
export const offersPage = (filter: OffersFilter): Statement =>
  filter.sort === 'price' ? cheapestFirst(filter) : newestFirst(filter);

/**
 * Whether a filter lets much or little through that is not in the order of the list: then it decides whether the list
 * is read in its order, or what the filter lets through is found first and put in order.
 */
function isSearch({ sort, minPrice, maxPrice, minKwh, availableAt }: OffersFilter): boolean {
  const isOfPrices = minPrice !== undefined || maxPrice !== undefined;
  return minKwh !== undefined || availableAt !== undefined || (sort === 'newest' && isOfPrices);
}

function cheapestFirst(filter: OffersFilter): Statement {
  const least = filter.minPrice ?? 0n;
  const [price = '0', id = LOWEST_ID] =
    filter.cursor === undefined ? [] : decodeCursor(filter.cursor, [INTEGER_SHAPE, UUID_SHAPE]);
  const [afterPrice, afterId] = BigInt(price) < least ? [bounded(least), LOWEST_ID] : [price, id];
  const query = new OffersQuery(filter);
  query.where((after) => `(price_per_kwh, id) > (${after}, ${query.bind(afterId)})`, afterPrice);
  query.where((most) => `price_per_kwh <= ${most}`, boundedOrNone(filter.maxPrice));
  return query.inOrderOf('price_per_kwh, id');
}

function newestFirst(filter: OffersFilter): Statement {
  const [before = HIGHEST_ID] = filter.cursor === undefined ? [] : decodeCursor(filter.cursor, [UUID_SHAPE]);
  const query = new OffersQuery(filter);
  query.where((id) => `id < ${id}`, before);
  query.where((least) => `price_per_kwh >= ${least}`, boundedOrNone(filter.minPrice));
  query.where((most) => `price_per_kwh <= ${most}`, boundedOrNone(filter.maxPrice));
  return filter.source === undefined ? query.newestOfEachSource() : query.inOrderOf('id DESC');
}

/**
 * Puts a list's statement together. There are as many texts as ways to combine a sort with the optional
 * filters: each is prepared for itself and names only the filters that are given, so that each gets the index
 * that serves it.
 */
class OffersQuery {
  private readonly values: unknown[] = [];
  private readonly conditions = [`status = 'active'`, 'available_until > now()'];

  constructor(private readonly filter: OffersFilter) {
    this.where((source) => `energy_source = ${source}`, filter.source);
    this.where((least) => `remaining_wh >= ${least}`, filter.minKwh);
    this.where(
      (at) => `tstzrange(available_from, available_until) @> ${at}::timestamptz`,
      filter.availableAt,
    );
  }

  /** Makes a value a parameter of the statement. @returns how the text calls it */
  bind(value: unknown): string {
    return `$${this.values.push(value)}`;
  }

  /** Adds a condition on a value, unless there is none. */
  where(condition: (parameter: string) => string, value: unknown): void {
    if (value !== undefined) this.conditions.push(condition(this.bind(value)));
  }

  inOrderOf(order: string): Statement {
    const limit = this.bind(this.filter.limit + 1);
    const text = `SELECT ${OFFER_COLUMNS} FROM energy_offers
      WHERE ${this.conditions.join(' AND ')} ORDER BY ${order} LIMIT ${limit}`;
    return { text, values: this.values };
  }

  /** The newest of all sources, by way of the newest of each: those have an index. */
  newestOfEachSource(): Statement {
    const limit = this.bind(this.filter.limit + 1);
    const text = `SELECT ${OFFER_COLUMNS} FROM energy_offers
      WHERE id = ANY (ARRAY(
              SELECT newest.id FROM unnest(enum_range(NULL::energy_source)) AS s(source)
               CROSS JOIN LATERAL (
                     SELECT id FROM energy_offers
                      WHERE energy_source = s.source AND ${this.conditions.join(' AND ')}
                      ORDER BY id DESC LIMIT ${limit}) newest
               ORDER BY newest.id DESC LIMIT ${limit}))
      ORDER BY id DESC`;
    return { text, values: this.values };
  }
}

/** No offer is dearer than the market allows: a filter beyond that is as good as just beyond it. */
const bounded = (price: bigint): bigint => (price > MOST_PRICE ? MOST_PRICE + 1n : price);

const boundedOrNone = (price: bigint | undefined): bigint | undefined =>
  price === undefined ? undefined : bounded(price);
