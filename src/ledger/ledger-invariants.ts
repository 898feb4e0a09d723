import { formatCount } from '../common/figures';
import type { HealthSource } from '../monitoring/health/health-checks';
import type { PartHealth } from '../monitoring/health/part-health';

interface AssetRow {
  asset: string;
  /** As text: a sum of bigints may be larger than one. */
  sum: string;
  overdrawn: number;
  accounts: number;
}

const BY_ASSET = `
  SELECT asset, sum(balance)::text AS sum, count(*)::int AS accounts,
         count(*) FILTER (WHERE user_id IS NOT NULL AND balance < 0)::int AS overdrawn
    FROM ledger_accounts GROUP BY asset ORDER BY asset`;

/**
 * Whether the books hold what they promise: per asset the sum of all balances is zero, and no user's balance is negative.
 * One statement, so that what is being booked meanwhile is seen whole or not at all. Amounts are micro-units and watt-hours.
 */
export async function ledgerInvariants(source: HealthSource): Promise<PartHealth> {
  const assets = await source.query<AssetRow>(BY_ASSET);
  const figures = {
    assets: assets.length,
    accounts: assets.reduce((total, { accounts }) => total + accounts, 0),
    broken: assets.filter(isBroken).length,
  };
  if (figures.broken === 0)
    return {
      status: 'up',
      detail: `Of every asset (${assets.length}) the balances add up to zero, and no user's is negative (${formatCount(figures.accounts)} accounts)`,
      figures,
    };
  return {
    status: 'down',
    detail: assets.flatMap(sentencesOf).join('; '),
    remedy:
      'Halt the markets (PATCH /api/trading/markets/:market), then run POST /api/reconciliations/energy/run, whose breaks name what does not agree, and compare ledger_accounts with the sums of ledger_entries.',
    figures,
  };
}

const isBroken = ({ sum, overdrawn }: AssetRow): boolean => sum !== '0' || overdrawn > 0;

function sentencesOf({ asset, sum, overdrawn }: AssetRow): string[] {
  const unit = asset.startsWith('energy:') ? 'Wh' : 'micro-units';
  return [
    ...(sum === '0' ? [] : [`the balances of ${asset} add up to ${sum} ${unit} instead of zero`]),
    ...(overdrawn === 0
      ? []
      : [
          `${overdrawn} user ${overdrawn === 1 ? 'account' : 'accounts'} of ${asset} ${overdrawn === 1 ? 'is' : 'are'} below zero`,
        ]),
  ];
}
