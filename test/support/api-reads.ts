import { METER_STATUSES } from '../../src/meters/meter-life-cycle';
import { ORDER_STATUSES, SIDES } from '../../src/trading/order';
import { CERTIFICATE_STATUSES } from '../../src/certificates/certificate-life-cycle';
import { ENERGY_ORDER_STATUSES, TRANSACTION_STATUSES } from '../../src/marketplace/life-cycle';
import { RECONCILIATION_STATUSES } from '../../src/reconciliation/reconciliation.entity';
import type { TestApp } from './app';
import { asOwner } from './database';
import type { KnownPeople } from './filled-app';

type Who = keyof KnownPeople;

/** Questions to one route: by whom, about which thing, with which queries beside `limit` and `cursor`. */
export interface Reads {
  /** As the documentation of the API names it, without `GET`. */
  readonly route: string;
  readonly as?: Who;
  /** What stands for the parameter in the route. */
  readonly of?: string;
  readonly queries?: readonly string[];
}

/** Things of the heavy user, and others that there is one of each kind of. */
type Things = Readonly<Record<'meter' | 'order' | 'offer' | 'energyOrder' | 'sale' | 'run', string>> & {
  readonly certificate: string;
  /** One that pg_stat_statements has recorded. */
  readonly statement: string;
};

/** Finds things to ask about. */
export async function thingsOf({ urls }: TestApp, { heavy }: KnownPeople): Promise<Things> {
  const [things] = await asOwner<Things>(
    urls,
    `SELECT (SELECT id FROM meters WHERE owner_id = $1 ORDER BY id LIMIT 1) AS meter,
            (SELECT id FROM trading_orders WHERE user_id = $1 AND status = 'filled' ORDER BY id LIMIT 1) AS order,
            (SELECT id FROM energy_offers WHERE seller_id = $1 AND status = 'sold' ORDER BY id LIMIT 1) AS offer,
            (SELECT id FROM energy_orders WHERE buyer_id = $1 ORDER BY id LIMIT 1) AS "energyOrder",
            (SELECT id FROM energy_transactions WHERE seller_id = $1 ORDER BY id LIMIT 1) AS sale,
            (SELECT queryid::text FROM pg_stat_statements
              WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query LIKE 'SELECT %'
              ORDER BY calls DESC LIMIT 1) AS statement,
            (SELECT certificate_id FROM erc_certificates WHERE user_id = $1 ORDER BY id LIMIT 1) AS certificate,
            (SELECT reconciliation_id FROM reconciliation_breaks
              GROUP BY reconciliation_id ORDER BY count(*) DESC LIMIT 1) AS run`,
    [heavy.id],
  );
  const missing = Object.entries(things ?? {}).filter(([, id]) => id === null);
  if (things === undefined || missing.length > 0)
    throw new Error(`The heavy user has no ${missing.map(([thing]) => thing).join(', ')}`);
  return things;
}

const each = (parameter: string, values: readonly string[]): string[] =>
  values.map((value) => `${parameter}=${value}`);

const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();

/**
 * What is asked of every route that reads: every filter that its documentation names, alone and with others, for much
 * and for little. A new route or filter belongs here.
 */
export function readsOf({ heavy }: KnownPeople, things: Things): readonly Reads[] {
  const ofHeavy = `userId=${heavy.id}`;
  return [
    { route: '/health' },
    { route: '/health/live' },
    { route: '/health/ready' },
    { route: '/metrics' },
    ...usersReads(ofHeavy, heavy.id),
    ...ledgerAndMeterReads(ofHeavy, things),
    ...databaseReads(things),
    ...tradingReads(things),
    ...marketplaceReads(ofHeavy, things),
    { route: '/api/certificates', as: 'heavy', queries: ['', ...each('status', CERTIFICATE_STATUSES)] },
    {
      route: '/api/certificates',
      as: 'auditor',
      queries: ['', ofHeavy, `${ofHeavy}&status=retired`, ...each('status', CERTIFICATE_STATUSES)],
    },
    { route: '/api/certificates/{certificateId}', of: things.certificate },
    {
      route: '/api/reconciliations',
      as: 'auditor',
      queries: ['', ...each('status', RECONCILIATION_STATUSES)],
    },
    { route: '/api/reconciliations/{id}', as: 'auditor', of: things.run },
    {
      route: '/api/reconciliations/{id}/breaks',
      as: 'auditor',
      of: things.run,
      queries: ['', 'type=UNMINTED_SURPLUS', 'type=REFUSED_REVISION', 'type=NO_SUCH_TYPE'],
    },
  ];
}

const databaseReads = ({ statement }: Things): Reads[] => [
  { route: '/api/admin/db', as: 'auditor' },
  {
    route: '/api/admin/db/{report}',
    as: 'auditor',
    of: 'slow-queries',
    queries: ['', `limit=10&from=${daysAgo(1)}&to=${daysAgo(0)}`],
  },
  {
    route: '/api/admin/db/{group}/{report}',
    as: 'auditor',
    of: 'indexes/unused',
    queries: ['', 'limit=10', `from=${daysAgo(1)}&to=${daysAgo(0)}`],
  },
  {
    route: '/api/admin/db/queries/{id}',
    as: 'auditor',
    of: statement,
    queries: ['', `from=${daysAgo(1)}&to=${daysAgo(0)}`],
  },
];

const usersReads = (ofHeavy: string, heavyId: string): Reads[] => [
  {
    route: '/api/admin/audit',
    as: 'auditor',
    queries: [
      '',
      'action=trading.order_placed',
      'action=user.changed',
      'action=nothing.done',
      ofHeavy,
      `${ofHeavy}&action=trading.order_placed`,
      `${ofHeavy}&action=user.changed`,
    ],
  },
  { route: '/api/admin/cache/stats', as: 'auditor' },
  { route: '/api/admin/health', as: 'auditor' },
  { route: '/api/admin/performance/checklist', as: 'auditor' },
  { route: '/api/auth/sessions', as: 'heavy' },
  { route: '/api/users/me', as: 'heavy' },
  { route: '/api/users/{id}', as: 'admin', of: heavyId },
  {
    route: '/api/users',
    as: 'admin',
    queries: [
      '',
      'role=prosumer',
      'role=admin',
      'emailVerified=true',
      'emailVerified=false',
      'role=auditor&emailVerified=false',
      'role=prosumer&emailVerified=true',
      'search=heavy',
      'search=example',
      'search=qq',
      'search=u',
      'search=nobody+is+called+so',
      'search=heavy&role=prosumer&emailVerified=true',
    ],
  },
  { route: '/api/organizations', as: 'admin' },
];

const ledgerAndMeterReads = (ofHeavy: string, { meter }: Things): Reads[] => [
  { route: '/api/ledger/balances', as: 'heavy' },
  { route: '/api/ledger/balances', as: 'auditor', queries: [ofHeavy] },
  { route: '/api/ledger/entries', as: 'heavy' },
  { route: '/api/ledger/entries', as: 'newcomer' },
  { route: '/api/ledger/entries', as: 'auditor', queries: [ofHeavy] },
  { route: '/api/ledger/withdrawals', as: 'heavy', queries: ['', 'pending=true', 'pending=false'] },
  { route: '/api/ledger/withdrawals', as: 'admin', queries: ['', 'pending=true'] },
  { route: '/api/meters', as: 'heavy', queries: ['', ...each('status', METER_STATUSES)] },
  { route: '/api/meters', as: 'operator', queries: ['', ofHeavy, ...each('status', METER_STATUSES)] },
  { route: '/api/meters/{id}', as: 'heavy', of: meter },
  { route: '/api/meters/stats', as: 'heavy' },
  { route: '/api/meters/stats', as: 'operator', queries: [ofHeavy] },
  {
    route: '/api/meters/readings',
    as: 'heavy',
    queries: [
      '',
      'minted=true',
      'minted=false',
      `meterId=${meter}`,
      `meterId=${meter}&minted=true`,
      `meterId=${meter}&minted=false`,
      `from=${daysAgo(200)}&to=${daysAgo(190)}`,
      `meterId=${meter}&from=${daysAgo(200)}&to=${daysAgo(100)}`,
    ],
  },
  { route: '/api/meters/readings', as: 'newcomer' },
  { route: '/api/meters/readings', as: 'operator', queries: [ofHeavy] },
];

const tradingReads = ({ order }: Things): Reads[] => [
  { route: '/api/trading/markets' },
  { route: '/api/trading/markets/{market}', of: 'solar' },
  { route: '/api/trading/orderbook/{market}', of: 'solar', queries: ['depth=1', 'depth=20', 'depth=200'] },
  { route: '/api/trading/trades', queries: ['', 'market=solar', 'market=wind-auction'] },
  {
    route: '/api/trading/orders',
    as: 'heavy',
    queries: [
      '',
      ...each('status', ORDER_STATUSES),
      ...each('side', SIDES),
      'market=solar',
      'market=wind-auction',
      'market=solar&side=sell',
      'market=solar&status=filled',
      'side=buy&status=rejected',
      'market=hydro&side=buy&status=open',
    ],
  },
  { route: '/api/trading/orders', as: 'newcomer', queries: ['', 'side=buy'] },
  { route: '/api/trading/orders/{id}', as: 'heavy', of: order },
  { route: '/api/trading/history', as: 'heavy', queries: ['', 'market=solar', 'market=wind-auction'] },
];

const marketplaceReads = (ofHeavy: string, { offer, energyOrder, sale }: Things): Reads[] => [
  {
    route: '/api/offers',
    queries: [
      '',
      'source=solar',
      'source=geothermal',
      'minPrice=3&maxPrice=3.5',
      'maxPrice=2.6',
      'minKwh=0.5',
      'minKwh=99',
      'minKwh=99000&source=solar',
      `availableAt=${daysAgo(0)}`,
      `availableAt=${daysAgo(-30)}`,
      `source=wind&minPrice=3&maxPrice=4&minKwh=1&availableAt=${daysAgo(0)}`,
      'sort=newest',
      'sort=newest&source=solar',
      'sort=newest&minPrice=5.4',
      'sort=newest&maxPrice=5.4&minKwh=50',
      'sort=price',
    ],
  },
  { route: '/api/offers', as: 'heavy', queries: ['mine=true'] },
  { route: '/api/offers/{id}', of: offer },
  { route: '/api/orders', as: 'heavy', queries: ['', ...each('status', ENERGY_ORDER_STATUSES)] },
  { route: '/api/orders', as: 'auditor', queries: [ofHeavy] },
  { route: '/api/orders/{id}', as: 'heavy', of: energyOrder },
  {
    route: '/api/transactions',
    as: 'heavy',
    queries: [
      '',
      'role=buyer',
      'role=seller',
      ...each('status', TRANSACTION_STATUSES),
      'role=buyer&status=failed',
      'role=seller&status=completed',
    ],
  },
  { route: '/api/transactions', as: 'auditor', queries: [ofHeavy] },
  { route: '/api/transactions/{id}', as: 'heavy', of: sale },
];
