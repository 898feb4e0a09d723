import Table from 'cli-table3';
import { formatKwh, formatMoney } from '../common/units';
import { totalsOf, type HouseholdFigures, type Totals } from './replay-figures';
import { isSound, type ReplayResult } from './replay';

const SHOWN_ERRORS = 10;

interface Column {
  readonly head: string;
  readonly key: keyof Totals;
  readonly format: (value: bigint) => string;
}

const COLUMNS: readonly Column[] = [
  { head: 'generated\nkWh', key: 'generatedWh', format: formatKwh },
  { head: 'consumed\nkWh', key: 'consumedWh', format: formatKwh },
  { head: 'surplus\nkWh', key: 'surplusWh', format: formatKwh },
  { head: 'minted\nkWh', key: 'mintedWh', format: formatKwh },
  { head: 'sold\nkWh', key: 'soldWh', format: formatKwh },
  { head: 'bought\nkWh', key: 'boughtWh', format: formatKwh },
  { head: 'spent', key: 'spent', format: formatMoney },
  { head: 'earned\nless fees', key: 'earned', format: formatMoney },
  { head: 'certified\nkWh', key: 'certifiedWh', format: formatKwh },
];

/** The result for people: a table of the households, and what holds for the whole. */
export function reportOf(result: ReplayResult): string {
  return [tableOf(result.households), ...summaryOf(result)].join('\n');
}

/** The result for machines: the same figures, decimal strings as in the API. */
export function jsonOf(result: ReplayResult): Record<string, unknown> {
  const { dataset, market, readings, orders, households, reconciliation, seconds } = result;
  return {
    dataset,
    market,
    households: households.map(({ serial, name, ...figures }) => ({ serial, name, ...jsonFigures(figures) })),
    total: jsonFigures(totalsOf(households)),
    readings,
    orders,
    energyConserved: result.energyConserved,
    moneyConserved: result.moneyConserved,
    reconciliation,
    sound: isSound(result),
    durationSeconds: Number(seconds.toFixed(3)),
  };
}

function jsonFigures(figures: Totals): Record<string, string> {
  return {
    generatedKwh: formatKwh(figures.generatedWh),
    consumedKwh: formatKwh(figures.consumedWh),
    surplusKwh: formatKwh(figures.surplusWh),
    mintedKwh: formatKwh(figures.mintedWh),
    soldKwh: formatKwh(figures.soldWh),
    boughtKwh: formatKwh(figures.boughtWh),
    spent: formatMoney(figures.spent),
    earned: formatMoney(figures.earned),
    fees: formatMoney(figures.fees),
    certifiedKwh: formatKwh(figures.certifiedWh),
    deposited: formatMoney(figures.deposited),
    energyBalanceKwh: formatKwh(figures.energyWh),
    moneyBalance: formatMoney(figures.money),
  };
}

function tableOf(households: readonly HouseholdFigures[]): string {
  const table = new Table({
    head: ['household', ...COLUMNS.map(({ head }) => head)],
    colAligns: ['left', ...COLUMNS.map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const figures of households) table.push([figures.serial, ...cellsOf(figures)]);
  table.push(['total', ...cellsOf(totalsOf(households))]);
  return table.toString();
}

const cellsOf = (figures: Totals): string[] => COLUMNS.map(({ key, format }) => format(figures[key]));

function summaryOf(result: ReplayResult): string[] {
  const { readings, orders, reconciliation, seconds } = result;
  const total = totalsOf(result.households);
  return [
    line(
      'readings',
      `${readings.accepted} accepted, ${readings.duplicates} duplicates, ${readings.revised} revised, ${readings.rejected} rejected`,
    ),
    ...listed(
      readings.errors.map(({ line: at, code, detail }) => `line ${at}: ${detail} (${code})`),
      readings.rejected,
      SHOWN_ERRORS,
    ),
    line('orders', `${orders.placed} placed, ${orders.before} placed before, ${orders.refused} refused`),
    ...listed(orders.refusals, orders.refused, SHOWN_ERRORS),
    line(
      'energy',
      `${verdict(result.energyConserved)}: minted ${formatKwh(total.mintedWh)} + bought ${formatKwh(total.boughtWh)} ` +
        `- sold ${formatKwh(total.soldWh)} kWh, balances ${formatKwh(total.energyWh)} kWh`,
    ),
    line(
      'money',
      `${verdict(result.moneyConserved)}: deposited ${formatMoney(total.deposited)} + earned ${formatMoney(total.earned)} ` +
        `- spent ${formatMoney(total.spent)}, balances ${formatMoney(total.money)}; fees ${formatMoney(total.fees)}`,
    ),
    line('reconciliation', `${reconciliation.breaks} breaks${byType(reconciliation.breaksByType)}`),
    ...listed(reconciliation.first, reconciliation.breaks, SHOWN_ERRORS),
    line('duration', `${seconds.toFixed(1)} s`),
  ];
}

const line = (title: string, text: string): string => `${title.padEnd(15)} ${text}`;

const verdict = (conserved: boolean): string => (conserved ? 'conserved' : 'NOT CONSERVED');

function listed(sentences: readonly string[], count: number, shown: number): string[] {
  const lines = sentences.slice(0, shown).map((sentence) => line('', sentence));
  return count > lines.length ? [...lines, line('', `and ${count - lines.length} more`)] : lines;
}

function byType(counts: Readonly<Record<string, number>>): string {
  const types = Object.entries(counts).map(([type, count]) => `${count} ${type}`);
  return types.length === 0 ? '' : ` (${types.join(', ')})`;
}
